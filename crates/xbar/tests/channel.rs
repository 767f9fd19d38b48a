//! Channels and requests.
#![cfg(not(miri))]

mod support;

use std::time::Duration;

use support::Dir;
use xbar::ChannelConfig;

#[test]
fn messages_go_both_ways() {
    let dir = Dir::new();
    let config = ChannelConfig::new().dir(dir.path());
    let listener = config.listen("desk").unwrap();
    let client = std::thread::spawn(move || {
        eprintln!("connecting");
        let channel = config.connect_timeout("desk", Duration::from_secs(5)).unwrap();
        eprintln!("connected");
        channel.send(b"buy").unwrap();
        channel.recv().unwrap().to_vec()
    });
    let channel = listener.accept_timeout(Duration::from_secs(5)).unwrap();
    eprintln!("accepted");
    assert_eq!(&*channel.recv_timeout(Duration::from_secs(5)).unwrap(), b"buy");
    channel.send(b"done").unwrap();
    assert_eq!(client.join().unwrap(), b"done");
}

//! The forms of receiving from a byte ring: into bytes or a `Vec`, of some kinds, the latest, waiting, and with somebody to ask.

use std::cell::Cell;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU64, Ordering, ReadU64};
use xbar_ring::bytes::{
    ByteAccount, BytePublisher, ByteReader, ByteSubscriber, ByteWriter, Lookout, channel, ring_words,
};
use xbar_ring::{BusySpin, Park, RecvError, Rest, Step, TryRecvError, WaitStrategy};

/// Longer than any machine needs; only a failing test waits that long.
const LONG: Duration = Duration::from_secs(60);

/// Stops after so many looks.
struct Looks(u32);

impl WaitStrategy for Looks {
    fn step(&mut self, looks: u32) -> Step {
        if looks < self.0 { Step::Sleep } else { Step::Stop }
    }
}

#[test]
fn a_vec_takes_any_length_however_it_is_waited_for() {
    let (mut publisher, subscribers) = channel(4096);
    let mut subscriber = subscribers.subscribe();
    let mut place = vec![9; 10];
    for length in [0, 1, 7, 8, 9, 1000, 3] {
        let message: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
        for _ in 0..3 {
            publisher.send(&message).unwrap();
        }
        assert_eq!(subscriber.recv_vec(&mut place).unwrap().bytes, message);
        assert_eq!(subscriber.recv_vec_timeout(&mut place, Duration::ZERO).unwrap().bytes, message);
        assert_eq!(subscriber.receive(Park, None, |_| true, &mut place).unwrap().bytes, message);
        assert_eq!(place, message, "and nothing of what was there");
    }
    assert_eq!(subscriber.recv_vec_timeout(&mut place, Duration::ZERO), Err(RecvError::Timeout));
    drop(publisher);
    assert_eq!(subscriber.recv_vec(&mut place), Err(RecvError::Disconnected));
}

#[test]
fn a_filter_waits_for_its_kind_and_counts_the_others_as_skipped() {
    let (mut publisher, subscribers) = channel(4096);
    let (mut subscriber, mut place) = (subscribers.subscribe(), [0; 16]);
    (0..9).for_each(|kind| {
        publisher.send_as(kind, &[kind as u8]).unwrap();
    });
    assert_eq!(subscriber.recv_where(&mut place, |kind| kind == 2).unwrap().sequence, 2);
    assert_eq!(subscriber.recv_where_timeout(&mut place, |kind| kind == 4, LONG).unwrap().bytes, [4]);
    let mut whole = Vec::new();
    assert_eq!(subscriber.receive(BusySpin, None, |kind| kind == 6, &mut whole).unwrap().bytes, [6]);
    let nothing = subscriber.recv_where_timeout(&mut place, |kind| kind == 99, Duration::ZERO);
    assert_eq!(nothing, Err(RecvError::Timeout));
    assert_eq!(
        subscriber.receive(Looks(5), None, |kind| kind == 99, &mut place[..]),
        Err(RecvError::Stopped)
    );
    assert_eq!(subscriber.account(), ByteAccount { received: 3, skipped: 6, missed: 0 });
    let waiting = thread::spawn(move || {
        let found = subscriber.recv_where(&mut place, |kind| kind == 7).map(|message| message.sequence);
        (found, subscriber.recv_where(&mut place, |kind| kind == 7).map(drop))
    });
    publisher.send_as(1, &[]).unwrap();
    publisher.send_as(7, &[]).unwrap();
    publisher.send_as(1, &[]).unwrap();
    drop(publisher);
    assert_eq!(waiting.join().unwrap(), (Ok(10), Err(RecvError::Disconnected)));
}

#[test]
fn a_wait_with_a_filter_ends_also_when_others_come_all_the_time() {
    let (mut publisher, subscribers) = channel(4096);
    let (mut subscriber, mut place) = (subscribers.subscribe(), [0; 16]);
    publisher.send_as(1, &[1]).unwrap();
    let mut asked = 0;
    // Each look finds another one: the wait still ends when its strategy says so.
    let found = subscriber.receive(
        Looks(100),
        None,
        |_| {
            asked += 1;
            publisher.send_as(1, &[1]).unwrap();
            false
        },
        &mut place[..],
    );
    assert_eq!(found, Err(RecvError::Stopped));
    assert!(asked >= 100, "a ring of them in each of {asked} looks");
}

/// Has a message sent whenever it is asked how to wait.
struct Sends<'p>(&'p mut BytePublisher);

impl WaitStrategy for Sends<'_> {
    fn step(&mut self, _looks: u32) -> Step {
        self.0.send(b"just in time").unwrap();
        Step::Look
    }
}

#[test]
fn what_comes_while_the_clock_is_read_is_not_late() {
    let (mut publisher, subscribers) = channel(4096);
    let (mut subscriber, mut place) = (subscribers.subscribe(), [0; 16]);
    let found = subscriber.recv_timeout_with(Sends(&mut publisher), &mut place, Duration::ZERO);
    assert_eq!(found.unwrap().bytes, b"just in time");
    let late =
        subscriber.receive(Sends(&mut publisher), Some(Duration::ZERO), |kind| kind == 1, &mut place[..]);
    assert_eq!(late, Err(RecvError::Timeout));
    assert_eq!(subscriber.total_skipped(), 1);
}

#[test]
fn the_latest_skips_what_is_older_and_is_never_given_twice() {
    let (mut publisher, subscribers) = channel(1024);
    let (mut subscriber, mut place) = (subscribers.subscribe(), [0; 256]);
    assert_eq!(subscriber.latest(&mut place), Err(TryRecvError::Empty));
    let mut sent = 0_u64;
    for turn in 0..200_usize {
        let count = turn % 5;
        for _ in 0..count {
            publisher.send(&vec![sent as u8; (turn * 7) % 60]).unwrap();
            sent += 1;
        }
        match subscriber.latest(&mut place) {
            Ok(message) => {
                assert_eq!(message.sequence, sent - 1);
                assert!(count > 0 && message.bytes.iter().all(|&byte| byte == (sent - 1) as u8));
            }
            error => assert_eq!((error, count), (Err(TryRecvError::Empty), 0)),
        }
    }
    let ByteAccount { received, skipped, missed } = subscriber.account();
    assert_eq!((received + skipped, missed), (sent, 0));
    // One that was overtaken is told so first.
    (0..1000).for_each(|_| publisher.send(&[5; 100]).map(drop).unwrap());
    assert!(matches!(subscriber.latest(&mut place), Err(TryRecvError::Lagged { .. })));
    assert_eq!(subscriber.latest_vec(&mut Vec::new()).unwrap().sequence, publisher.sent() - 1);
    // A place that is too small leaves it the next one.
    publisher.send(&[1; 3]).unwrap();
    publisher.send(&[2; 9]).unwrap();
    assert_eq!(subscriber.latest(&mut [0; 8]), Err(TryRecvError::TooSmall { needed_bytes: 9 }));
    assert_eq!(subscriber.try_recv(&mut place).unwrap().bytes, [2; 9]);
    let ByteAccount { received, skipped, missed } = subscriber.account();
    assert_eq!(received + skipped + missed, publisher.sent());
    drop(publisher);
    assert_eq!(subscriber.latest(&mut place), Err(TryRecvError::Disconnected));
}

/// Says what it is told to, and notes what it is asked.
#[derive(Default)]
struct Told {
    deserted: Cell<bool>,
    over: Cell<bool>,
    asked: Cell<u32>,
    slept: Cell<u32>,
    left: Cell<Option<ByteAccount>>,
}

/// Sends a message when it is asked whether anybody is left, as one does that goes in that moment.
struct Asked<'w> {
    told: Rc<Told>,
    writer: &'w Cell<Option<ByteWriter<()>>>,
}

impl Lookout for Asked<'_> {
    fn is_deserted(&mut self, _account: ByteAccount) -> bool {
        self.told.asked.set(self.told.asked.get() + 1);
        if let Some(mut writer) = self.writer.take() {
            writer.send(0, b"last words").unwrap();
        }
        self.told.deserted.get()
    }

    fn is_over(&mut self) -> bool {
        self.told.over.get()
    }

    fn sleep(&mut self, ready: impl Fn() -> bool, rest: Rest<'_>) {
        assert!(!ready() && rest.longest.is_none());
        self.told.slept.set(self.told.slept.get() + 1);
    }

    fn leave(&mut self, account: ByteAccount) {
        self.told.left.set(Some(account));
    }
}

#[test]
fn whoever_is_asked_when_there_is_nothing_decides_whether_it_is_over() {
    let words: &'static [AtomicU64] =
        (0..ring_words(1024)).map(|_| AtomicU64::new(0)).collect::<Vec<_>>().leak();
    let resume = || ByteWriter::resume(&Lent::from_static(words)).unwrap();
    let (told, writer) = (Rc::new(Told::default()), Cell::new(None));
    let reader = ByteReader::join(&Lent::from_static(ReadU64::of_slice(words))).unwrap();
    let mut subscriber = ByteSubscriber::with(reader, Asked { told: Rc::clone(&told), writer: &writer });
    let mut place = [0; 64];
    for receive in 0..3 {
        let mut look = |place: &mut [u8]| match receive {
            0 => subscriber.try_recv(place).map(|message| message.sequence),
            1 => subscriber.bulk(place).map(|window| window.map(|message| message.sequence).sum()),
            _ => subscriber.latest(place).map(|message| message.sequence),
        };
        told.deserted.set(false);
        assert_eq!(look(&mut place), Err(TryRecvError::Empty), "somebody is there");
        // Gone; but what it sent before it went is received first.
        told.deserted.set(true);
        told.over.set(true);
        writer.set(Some(resume()));
        assert_eq!(look(&mut place), Ok(receive));
        assert_eq!(look(&mut place), Err(TryRecvError::Disconnected));
        told.over.set(false);
        assert_eq!(look(&mut place), Err(TryRecvError::Empty), "another one came");
    }
    assert_eq!(told.asked.get(), 12);
    assert_eq!(subscriber.recv_with(Looks(7), &mut place), Err(RecvError::Stopped));
    assert_eq!(told.slept.get(), 6, "it is whoever is asked that sleeps");
    let account = subscriber.account();
    assert_eq!(account, ByteAccount { received: 3, skipped: 0, missed: 0 });
    drop(subscriber);
    assert_eq!(told.left.get(), Some(account));
}

#[test]
fn a_writer_that_takes_a_damaged_ring_over_begins_where_positions_do_not_wrap() {
    let capacity = 1024;
    let words: &'static [AtomicU64] =
        (0..ring_words(capacity)).map(|_| AtomicU64::new(0)).collect::<Vec<_>>().leak();
    let resume = || ByteWriter::resume(&Lent::from_static(words)).unwrap();
    resume().send(0, b"before").unwrap();
    // A note near the end of all positions, and a claim behind it, as if a writer had come that far.
    let (position, section) = (0_u64.wrapping_sub(256), 6);
    words[0].store(0_u64.wrapping_sub(128), Ordering::Relaxed);
    words[16 + 2 * section].store(position | 1, Ordering::Relaxed);
    let mut writer = resume();
    assert!(writer.position() <= 1 << 63, "{:#x}", writer.position());
    let reader = ByteReader::join(&Lent::from_static(ReadU64::of_slice(words))).unwrap();
    let mut subscriber = ByteSubscriber::new(reader);
    for _ in 0..1000 {
        writer.send(0, b"after").unwrap();
    }
    let mut place = [0; 64];
    while matches!(subscriber.try_recv(&mut place), Err(TryRecvError::Lagged { .. })) {}
    assert_eq!(subscriber.latest(&mut place).unwrap().bytes, b"after");
}

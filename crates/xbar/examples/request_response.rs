//! Questions and answers: several requests in flight, answered in any order, each with a deadline, some refused.

use std::collections::BTreeMap;
use std::error::Error;
use std::thread;
use std::time::Duration;

use xbar::{Client, RequestError, Server};

mod data;

type Failure = Box<dyn Error + Send + Sync>;

/// Answers symbols with their highest price, until it hears an empty request.
fn serve(server: &Server) -> Result<(), Failure> {
    let mut highest = BTreeMap::new();
    for (symbol, _, price) in data::stocks() {
        let so_far: &mut f64 = highest.entry(symbol).or_default();
        *so_far = so_far.max(price);
    }
    loop {
        let request = server.recv()?;
        match std::str::from_utf8(&request)? {
            "" => return Ok(request.reply(b"")?),
            symbol => match highest.get(symbol) {
                Some(price) => request.reply(&price.to_le_bytes())?,
                None => drop(request), // refused
            },
        }
    }
}

/// The highest price of each symbol; `None` where the server knows none.
pub fn run(name: &str) -> Result<BTreeMap<&'static str, Option<f64>>, Failure> {
    let server = Server::serve(name)?;
    thread::scope(|scope| {
        let serving = scope.spawn(move || serve(&server));
        let client = Client::connect(name)?; // in another process, as a rule
        let patience = Some(Duration::from_secs(30));
        let mut asked = Vec::new();
        for symbol in ["AAPL", "MSFT", "NONE"] {
            asked.push((symbol, client.send(symbol.as_bytes(), patience)?));
        }
        let mut prices = BTreeMap::new();
        for (symbol, id) in asked.into_iter().rev() {
            let price = match client.wait(id) {
                Ok(reply) => Some(f64::from_le_bytes(reply[..].try_into()?)),
                Err(RequestError::Refused) => None,
                Err(error) => return Err(error.into()),
            };
            prices.insert(symbol, price);
        }
        client.call(b"", Duration::from_secs(30))?;
        serving.join().map_err(|_| "the server panicked")??;
        Ok(prices)
    })
}

#[allow(dead_code)] // the tests call `run`
fn main() -> Result<(), Failure> {
    for (symbol, price) in run("highest-price")? {
        println!("{symbol}: {price:?}");
    }
    Ok(())
}

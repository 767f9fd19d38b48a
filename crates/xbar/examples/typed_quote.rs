//! Quotes of one type: written in place, read in place, another type refused.

use std::error::Error;

use xbar::bytemuck::{Pod, Zeroable};
use xbar::{Config, Publisher, Subscriber};

/// What is sent: plain numbers, without padding.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[bytemuck(crate = "xbar::bytemuck")]
#[repr(C)]
pub struct Quote {
    /// What buyers offer.
    pub bid: f64,
    /// What sellers ask.
    pub ask: f64,
    /// Shares at these prices.
    pub shares: u64,
}

/// The quotes that arrived, and what is said to somebody who takes them for something else.
pub fn run(region: &str) -> Result<(Vec<Quote>, String), Box<dyn Error + Send + Sync>> {
    let publisher = Publisher::create(region, &Config::new().topics(1))?;
    let apple = publisher.register_typed::<Quote>("/quote/AAPL")?;
    let subscriber = Subscriber::connect(region)?; // in another process, as a rule
    let quotes = subscriber.subscribe_typed::<Quote>("/quote/AAPL")?;

    // A copy of a value that is there already ...
    publisher.send_typed(&apple, &Quote { bid: 223.01, ask: 223.02, shares: 100 })?;
    // ... or a value written where it will be read.
    let mut loan = publisher.loan_typed(&apple)?;
    (loan.bid, loan.ask, loan.shares) = (223.02, 223.04, 50);
    loan.publish();

    let received = [*quotes.recv()?, *quotes.recv()?].into();
    let refused = subscriber.subscribe_typed::<[f32; 2]>("/quote/AAPL").map(|_| String::new());
    Ok((received, refused.unwrap_or_else(|error| error.to_string())))
}

#[allow(dead_code)] // the tests call `run`
fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let (quotes, refused) = run("typed-quote")?;
    println!("{quotes:#?}\nanother type: {refused}");
    Ok(())
}

//! Orders of several desks through one lossless topic: desks wait for the slowest reader, and no order is lost.

use std::error::Error;
use std::thread;

use xbar::{Config, Publisher, RecvError, Subscriber, TopicConfig};

/// Desks that send orders.
const DESKS: u64 = 3;
/// Orders of each.
const ORDERS: u64 = 1000;

/// How many orders of each desk the journal has; an order that is lost or out of its desk's order is an error.
pub fn run(region: &str) -> Result<Vec<u64>, Box<dyn Error + Send + Sync>> {
    let orders = TopicConfig::new().lossless().many_publishers().depth(16); // far fewer than will be sent
    let config = Config::new().topics(1).publishers(DESKS as u32 + 1).depth(16);
    let publisher = Publisher::create(region, &config)?;
    let registered = publisher.register_with("/orders", &orders)?;
    // Whoever is there before the first order misses none.
    let journal = Subscriber::connect(region)?.subscribe("/orders")?;

    thread::scope(|scope| {
        let desk = |desk: u64| -> Result<(), Box<dyn Error + Send + Sync>> {
            let publisher = Publisher::open(region)?; // a handle of each thread or process
            let topic = publisher.register_with("/orders", &orders)?;
            for order in 0..ORDERS {
                let bytes = [desk.to_le_bytes(), order.to_le_bytes()].concat();
                publisher.send(&topic, &bytes)?; // waits for room
            }
            Ok(())
        };
        let desks: Vec<_> = (0..DESKS).map(|n| scope.spawn(move || desk(n))).collect();
        let mut next = vec![0; DESKS as usize];
        while next.iter().sum::<u64>() < DESKS * ORDERS {
            let order = match journal.recv() {
                Ok(order) => order,
                Err(RecvError::Disconnected) => return Err("the desks are gone too early".into()),
                Err(error) => return Err(error.into()),
            };
            let (desk, number) = order.split_at(8);
            let desk = u64::from_le_bytes(desk.try_into()?) as usize;
            if u64::from_le_bytes(number.try_into()?) != next[desk] {
                return Err(format!("desk {desk} has sent another order before").into());
            }
            next[desk] += 1;
        }
        for desk in desks {
            desk.join().map_err(|_| "a desk panicked")??;
        }
        drop(registered);
        Ok(next)
    })
}

#[allow(dead_code)] // the tests call `run`
fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    for (desk, orders) in run("lossless-orders")?.into_iter().enumerate() {
        println!("desk {desk}: {orders} orders, each once and in order");
    }
    Ok(())
}

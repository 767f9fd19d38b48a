//! Two readings of each price beside one another, joined again: is a stock above its mean, and does it rise?

use std::collections::BTreeMap;
use std::error::Error;
use std::thread;

use xbar::Pipeline;

mod data;

type Price = (&'static str, f64);

/// Months in which each symbol stood above the mean of all months before, and rose.
pub fn run() -> Result<BTreeMap<&'static str, u32>, Box<dyn Error + Send + Sync>> {
    let (mut input, prices) = Pipeline::builder().capacity(16).input::<Price>()?;
    let [level, trend] = prices.fan_out()?;
    let level = level.named("level").then_with(
        BTreeMap::new,
        |sums: &mut BTreeMap<_, (f64, f64)>, price: Price| {
            let (symbol, price) = price;
            let (sum, count) = sums.entry(symbol).or_default();
            let is_above = *count > 0.0 && price > *sum / *count;
            (*sum, *count) = (*sum + price, *count + 1.0);
            (symbol, is_above)
        },
    )?;
    let trend =
        trend.named("trend").then_with(BTreeMap::new, |last: &mut BTreeMap<_, f64>, price: Price| {
            let (symbol, price) = price;
            last.insert(symbol, price).is_some_and(|before| price > before)
        })?;
    let (mut output, pipeline) = level.named("join").join(trend)?.build()?;
    let sending =
        thread::spawn(move || data::stocks().all(|(symbol, _, price)| input.send((symbol, price)).is_ok()));
    let mut months = BTreeMap::new();
    for ((symbol, is_above), rises) in output.iter() {
        *months.entry(symbol).or_default() += u32::from(is_above && rises);
    }
    assert!(sending.join().is_ok_and(|sent| sent), "every price was taken");
    pipeline.join()?;
    Ok(months)
}

#[allow(dead_code)] // the tests call `run`
fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    for (symbol, months) in run()? {
        println!("{symbol:5} above its mean and rising in {months} months");
    }
    Ok(())
}

//! A year of temperatures, cleaned, converted and averaged by day, by stages in threads.

use std::error::Error;
use std::thread;

use xbar::Pipeline;
use xbar::pipeline::StageStats;

mod data;

/// A day, and its mean temperature in degrees Celsius.
pub type Day = (String, f64);

/// The days, and the figures of the stages.
pub fn run() -> Result<(Vec<Day>, Vec<StageStats>), Box<dyn Error + Send + Sync>> {
    let (mut input, hours) = Pipeline::builder().capacity(64).input::<(&'static str, f64)>()?;
    let (mut output, pipeline) = hours
        .named("clean")
        .filter_map(|(date, degrees)| (degrees > -60.0 && degrees < 140.0).then_some((date, degrees)))?
        .named("convert")
        .then(|(date, fahrenheit)| (date, (fahrenheit - 32.0) / 1.8))?
        .named("average")
        .then_with(Vec::new, |hours: &mut Vec<f64>, (date, celsius)| {
            hours.push(celsius);
            let (day, hour) = date.split_at(date.find(' ').unwrap_or(date.len()));
            (hour == " 23:00").then(|| {
                let mean = hours.iter().sum::<f64>() / hours.len() as f64;
                hours.clear();
                (day.to_owned(), mean)
            })
        })?
        .named("days")
        .filter_map(|day| day)?
        .build()?;
    let sending = thread::spawn(move || data::temperatures().all(|hour| input.send(hour).is_ok()));
    let days = output.iter().collect();
    let stats = pipeline.stats();
    assert!(sending.join().is_ok_and(|sent| sent), "every hour was taken");
    pipeline.join()?;
    Ok((days, stats))
}

#[allow(dead_code)] // the tests call `run`
fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let (days, stats) = run()?;
    for (day, celsius) in days.iter().step_by(30) {
        println!("{day} {celsius:5.1} C");
    }
    for stage in stats {
        println!(
            "{:8} took {} items, {} of {} waiting",
            stage.name, stage.received, stage.depth, stage.capacity
        );
    }
    Ok(())
}

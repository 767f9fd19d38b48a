//! The data of the examples, read from the files beside this one.
#![allow(dead_code)] // each example uses its part

/// Prices of one month: symbol, date, price.
pub fn stocks() -> impl Iterator<Item = (&'static str, &'static str, f64)> {
    include_str!("stocks.csv").lines().skip(1).filter_map(|line| {
        let mut fields = line.split(',');
        Some((fields.next()?, fields.next()?, fields.next()?.trim().parse().ok()?))
    })
}

/// Temperatures of one hour: date, degrees Fahrenheit.
pub fn temperatures() -> impl Iterator<Item = (&'static str, f64)> {
    include_str!("seattle-temps.csv").lines().skip(1).filter_map(|line| {
        let (date, degrees) = line.split_once(',')?;
        Some((date, degrees.trim().parse().ok()?))
    })
}

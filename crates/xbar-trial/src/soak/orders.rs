//! A part's way to the stage: orders on standard input, reports on standard output.

use std::io::{BufRead, Write};
use std::sync::mpsc::{Receiver, RecvError, TryRecvError, channel};

/// What the stage wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Stop at a message's end and report.
    Pause,
    /// Go on.
    Go,
    /// Leave.
    End,
}

/// The orders as they come.
#[derive(Debug)]
pub struct Orders(Receiver<Order>);

impl Orders {
    /// Begins to read standard input.
    pub fn listen() -> Self {
        let (sender, orders) = channel();
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                let order = match line.as_deref() {
                    Ok("pause") => Order::Pause,
                    Ok("go") => Order::Go,
                    _ => Order::End,
                };
                if sender.send(order).is_err() {
                    return;
                }
            }
        });
        Self(orders)
    }

    /// An order, if there is one. A stage that is gone wants the end.
    pub fn poll(&self) -> Option<Order> {
        match self.0.try_recv() {
            Ok(order) => Some(order),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Order::End),
        }
    }

    /// Reports and waits; false when it is the end.
    pub fn report(&self, line: &str) -> bool {
        say(line);
        loop {
            match self.0.recv() {
                Ok(Order::Go) => return true,
                Ok(Order::End) | Err(RecvError) => return false,
                Ok(Order::Pause) => {}
            }
        }
    }
}

/// One line to the stage.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // A stage that is gone hears nothing.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

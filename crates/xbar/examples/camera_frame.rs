//! Frames of a camera: a header and as many pixels as there are, in one block, written once and copied never.

use std::error::Error;

use xbar::bytemuck::{Pod, Zeroable};
use xbar::{Config, Publisher, Structured, Subscriber};

/// What stands in front of the pixels.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[bytemuck(crate = "xbar::bytemuck")]
#[repr(C)]
pub struct Header {
    /// Number of the frame.
    pub number: u64,
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
}

/// Sends frames and returns, of each that arrived, its header and its mean brightness.
pub fn run(region: &str) -> Result<Vec<(Header, f64)>, Box<dyn Error + Send + Sync>> {
    let config = Config::new().topics(1).depth(4).block_bytes(64 << 10);
    let publisher = Publisher::create(region, &config)?;
    let left = publisher.register("/camera/left")?;
    let frames = Subscriber::connect(region)?.subscribe("/camera/left")?; // in another process, as a rule

    let mut seen = Vec::new();
    for (number, (width, height)) in [(320, 200), (160, 100), (64, 48)].into_iter().enumerate() {
        let mut loan = publisher.loan(&left, 0)?;
        let header = Header { number: number as u64, width, height };
        // Pixels are written where they will be read.
        let pixels = loan.structured::<Header, u8>(&header, (width * height) as usize)?;
        for (index, pixel) in pixels.iter_mut().enumerate() {
            *pixel = (index % 200) as u8;
        }
        loan.publish();

        let frame = frames.recv()?;
        let (header, pixels) = (frame.read_header::<Header>()?, frame.read_array::<u8>()?);
        let sum: u64 = pixels.iter().map(|&pixel| u64::from(pixel)).sum();
        seen.push((*header, sum as f64 / pixels.len() as f64));
    }
    Ok(seen)
}

#[allow(dead_code)] // the tests call `run`
fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    for (Header { number, width, height }, mean) in run("camera-frame")? {
        println!("frame {number}: {width} x {height}, mean brightness {mean:.1}");
    }
    Ok(())
}

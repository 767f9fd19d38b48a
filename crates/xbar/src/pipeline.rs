//! Pipelines: stages in threads, joined by lossless links.
//!
//! - **Loses?** Nothing between stages, unless a stage was asked to be lossy: then what it missed is counted. What a stage that
//!   panicked had not handled is lost, and [`Pipeline::join`] says so.
//! - **Blocks?** A stage whose successor is slow waits for it, and so on up to [`Input::send`].
//! - **Allocates?** When it is built; not for an item.
//!
//! ```
//! use xbar::Pipeline;
//!
//! let (mut input, words) = Pipeline::builder().capacity(64).input::<String>()?;
//! let (mut output, pipeline) = words
//!     .then(|word| word.trim().to_owned())?
//!     .named("filter")
//!     .filter_map(|word| (!word.is_empty()).then_some(word))?
//!     .named("number")
//!     .then_with(|| 0, |count, word| {
//!         *count += 1;
//!         format!("{count} {word}")
//!     })?
//!     .build()?;
//! for word in [" one", "", "two "] {
//!     input.send(word.to_owned())?;
//! }
//! drop(input); // the end: stages handle what is left
//! assert_eq!(output.iter().collect::<Vec<_>>(), ["1 one", "2 two"]);
//! pipeline.join()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Branches and joins:
//!
//! ```
//! use xbar::Pipeline;
//!
//! let (mut input, numbers) = Pipeline::builder().input::<u64>()?;
//! let [left, right] = numbers.fan_out()?;
//! let (mut output, pipeline) = left.then(|n| n + 1)?.join(right.then(|n| n * 2)?)?.build()?;
//! input.send(20)?;
//! assert_eq!(output.recv()?, (21, 40));
//! pipeline.stop()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod ends;
mod error;
mod flow;
mod link;
mod running;

pub use builder::Builder;
pub use ends::{Input, InputError, Output, OutputIter};
pub use error::PipelineError;
pub use flow::Flow;
pub use running::{Pipeline, StageStats};

//! From a URI to a region.
//!
//! Names of topics ([`Uri`]), patterns over them ([`Pattern`]), and the regions that exist, found by looking at them
//! ([`RegionView`]): there is no registry file that could be stale, locked or damaged.
//!
//! It knows neither rings nor pools, and never writes: everything here works through read-only mappings.
#![forbid(unsafe_code)]

mod participants;
mod pattern;
mod registry;
mod uri;

pub use participants::Participant;
pub use pattern::{Pattern, PatternError};
pub use registry::{RegionView, TopicView, ViewError, index_places, regions, seats_of};
pub use uri::{Uri, UriError};

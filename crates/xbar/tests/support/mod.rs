//! A directory of regions for one test, gone when the test ends; and the test binary started again as a child.
#![allow(dead_code, unused_imports)] // each test binary uses its part

use std::path::Path;

pub use xbar::{Config, Publisher, Subscriber};
use xbar_testing::Folder;
pub use xbar_testing::{Other, hear, line, part, pattern, stay, tell};

/// Where one test's regions live.
pub struct Dir(Folder);

impl Dir {
    pub fn new() -> Self {
        Self(Folder::new())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn config(&self) -> Config {
        Config::new().topics(4).publishers(4).subscribers(4).dir(self.path())
    }

    pub fn publisher(&self, name: &str) -> Publisher {
        Publisher::create(name, &self.config()).unwrap()
    }

    pub fn subscriber(&self, name: &str) -> Subscriber {
        Subscriber::connect_in(self.path(), name).unwrap()
    }

    /// Names of what is in the directory.
    pub fn contents(&self) -> Vec<String> {
        self.0.contents()
    }
}

impl AsRef<Path> for Dir {
    fn as_ref(&self) -> &Path {
        self.path()
    }
}

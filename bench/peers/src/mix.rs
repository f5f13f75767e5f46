//! The parameters of the mix of ten policies, as `ruleward-bench mix` prints them.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// What the ten policies are parametrised by.
#[derive(Debug, Clone, Deserialize)]
pub struct Mix {
    /// p3: the tag that every resource has.
    pub tag_key: String,
    /// p3: its values.
    pub tag_values: Vec<String>,
    /// p4: the flavors allowed.
    pub flavors: Vec<String>,
    /// p5: the images allowed.
    pub images: Vec<String>,
    /// p6: the expression that names fit.
    pub expression: String,
    /// p9: the port that is not open to everybody.
    pub port: i64,
    /// p10: the least length of a password.
    pub least: i64,
}

impl Mix {
    /// Reads it from a file.
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read(file).with_context(|| file.display().to_string())?;
        Ok(serde_json::from_slice(&text)?)
    }
}

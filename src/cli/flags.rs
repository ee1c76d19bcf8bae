//! The flags that name settings.

use std::path::PathBuf;

use clap::Args;

use crate::config::Overrides;

/// Taken before and after the subcommand. Not clap's `global`, which forgets
/// the `--set` before it when there is one after it.
#[derive(Args)]
#[command(next_help_heading = "Settings")]
pub struct Flags {
    /// Take settings from this TOML file
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Listen on this address
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// Listen on this port; 0 takes a free one
    #[arg(long)]
    port: Option<String>,
    /// Write to this MongoDB (a password belongs in the environment)
    #[arg(long, value_name = "URI")]
    mongodb_uri: Option<String>,
    /// Keep local data in this folder
    #[arg(long, value_name = "PATH")]
    data_dir: Option<String>,
    /// Set any setting by its path; may be repeated
    #[arg(long, value_name = "PATH=VALUE", value_parser = parse_assignment)]
    set: Vec<(String, String)>,
}

fn parse_assignment(text: &str) -> Result<(String, String), &'static str> {
    text.split_once('=')
        .map(|(path, value)| (path.trim().to_owned(), value.to_owned()))
        .ok_or("must be PATH=VALUE, such as write.max_events=250")
}

impl Flags {
    /// Puts what was typed above what was there.
    pub fn add_to(&self, mut overrides: Overrides) -> Overrides {
        if let Some(path) = &self.config {
            overrides = overrides.file(path);
        }
        for (path, value) in &self.set {
            overrides = overrides.flag("--set", path, value);
        }
        let named = [
            ("--host", "http.host", &self.host),
            ("--port", "http.port", &self.port),
            ("--mongodb-uri", "store.mongodb_uri", &self.mongodb_uri),
            ("--data-dir", "store.data_dir", &self.data_dir),
        ];
        for (flag, path, value) in named {
            if let Some(value) = value {
                overrides = overrides.flag(flag, path, value);
            }
        }
        overrides
    }
}

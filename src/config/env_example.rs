//! `.env.example`, printed from the table.

use toml::Value;

use super::ConfigErrors;
use super::catalog::{Catalog, Setting};

const HEAD: &str = "\
# Copy to .env, in the folder that trailkeep is started in, and uncomment what
# you change. Every setting is here, at its default; config/default.toml has the
# whole documentation. Variables of the real environment win over this file.
# A value with spaces, # or $ belongs in single quotes. Lists: a,b,c.
# Printed by `trailkeep config --env-example`.
";

/// Every setting as a variable that is commented out, with the first sentence of
/// its prose.
///
/// # Errors
///
/// Only if the compiled-in defaults break their own form, which a test rules out.
pub fn env_example() -> Result<String, ConfigErrors> {
    let catalog = Catalog::compiled_in().map_err(ConfigErrors::one)?;
    let mut text = HEAD.to_owned();
    let mut open_section = "";
    for setting in catalog.settings() {
        let section = setting.path.rsplit_once('.').map_or("", |(section, _)| section);
        if section != open_section {
            text.push_str(&format!("\n# --- {section} ---\n\n"));
            open_section = section;
        }
        text.push_str(&entry(setting));
    }
    Ok(text)
}

fn entry(setting: &Setting) -> String {
    let value = match &setting.default {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            items.join(",")
        }
        other => other.to_string(),
    };
    // Unquoted, what follows a $ is the name of a variable.
    let value = if value.contains('$') { format!("'{value}'") } else { value };
    let variable = setting.variable.as_deref().unwrap_or_default();
    format!("{}\n#{variable}={value}\n", first_sentence(&setting.prose))
}

fn first_sentence(prose: &str) -> &str {
    let ends = [". ", ".\n"].into_iter().filter_map(|end| prose.find(end));
    ends.min().map_or(prose, |end| &prose[..=end])
}

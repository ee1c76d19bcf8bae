//! A question before something that cannot be taken back, on a page of its own.

use askama::Template;

use super::frame::{Frame, Part};

/// What is asked.
#[derive(Template)]
#[template(path = "question.html")]
pub struct Question {
    pub frame: Frame,
    /// The question.
    pub head: String,
    /// What will happen.
    pub words: Vec<String>,
    /// Where the answer goes.
    pub action: String,
    /// What goes with it.
    pub fields: Vec<(&'static str, String)>,
    /// What the button says that does it.
    pub yes: String,
    /// What the link says that does not.
    pub no: &'static str,
    /// Where that leads.
    pub back: String,
}

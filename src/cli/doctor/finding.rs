//! What a check found, and how it is told.

use serde_json::{Value, json};

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// The service works, and somebody should look at it.
    Warn,
    /// The service does not start, or does not do what it should.
    Fail,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: one word or two.
    pub check: &'static str,
    /// How it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What a person does about it; nothing where all is well.
    pub to_do: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, found: found.into(), to_do: None }
    }

    /// Somebody should look at it.
    pub fn warn(check: &'static str, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { check, level: Level::Warn, found: found.into(), to_do: Some(to_do.into()) }
    }

    /// It does not work.
    pub fn fail(check: &'static str, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { check, level: Level::Fail, found: found.into(), to_do: Some(to_do.into()) }
    }

    /// One line, whatever others have put into their words.
    fn line(&self) -> String {
        let mut line = format!("{:<4}  {:<12}  {}", self.level.word(), self.check, self.found);
        if let Some(to_do) = &self.to_do {
            line.push_str(" -> ");
            line.push_str(to_do);
        }
        line.replace(char::is_control, " ")
    }

    fn to_json(&self) -> Value {
        json!({
            "check": self.check,
            "level": self.level.word(),
            "found": self.found,
            "toDo": self.to_do,
        })
    }
}

/// Whether the service works.
pub fn is_sound(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.level < Level::Fail)
}

/// One line a finding.
pub fn lines(findings: &[Finding]) -> String {
    findings.iter().map(|finding| finding.line() + "\n").collect()
}

/// All of them as one JSON object.
pub fn to_json(findings: &[Finding]) -> String {
    let checks: Vec<Value> = findings.iter().map(Finding::to_json).collect();
    format!("{:#}\n", json!({ "ok": is_sound(findings), "checks": checks }))
}

#[cfg(test)]
mod tests {
    use super::{Finding, is_sound, lines};

    #[test]
    fn each_finding_is_one_line_with_what_to_do() {
        let findings = [
            Finding::ok("clock", "12 ms behind"),
            Finding::fail("database", "does not\nanswer", "start it"),
        ];
        let text = "ok    clock         12 ms behind\n\
                    fail  database      does not answer -> start it\n";
        assert_eq!(lines(&findings), text);
        assert!(!is_sound(&findings));
        assert!(is_sound(&[Finding::warn("clock", "late", "mend it")]));
    }
}

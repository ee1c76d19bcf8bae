//! Why what somebody typed into a form was not done, told in the form.

use axum::http::StatusCode;

use crate::http::problem::Problem;

/// What was wrong; nothing while a form is new.
#[derive(Debug, Default)]
pub struct Refusal {
    status: StatusCode,
    detail: String,
    faults: Vec<(String, String)>,
}

impl Refusal {
    /// Of a problem that has to do with what was typed; any other is given back.
    pub fn of(problem: Problem) -> Result<Self, Problem> {
        let status = problem.status();
        let is_of_form = matches!(
            status,
            StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS
        );
        if !is_of_form {
            return Err(problem);
        }
        Ok(Self { status, faults: faults_of(&problem), detail: problem.detail().to_owned() })
    }

    /// Of one field, where a guard's status would mean something else.
    pub fn at(field: &str, message: &str) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: "Nothing was changed.".to_owned(),
            faults: vec![(field.to_owned(), message.to_owned())],
        }
    }

    /// Under which the form is answered.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What happened; `None` while nothing was refused.
    pub fn detail(&self) -> Option<&str> {
        Some(&*self.detail).filter(|detail| !detail.is_empty())
    }

    /// What is wrong with a field, as a sentence. Of a list the line is told, and of an object
    /// the name.
    pub fn about(&self, field: &str) -> Option<String> {
        let told = self.faults.iter().filter_map(|(name, message)| {
            let rest = name.strip_prefix(field)?;
            if rest.is_empty() {
                return Some(format!("It {message}."));
            }
            if let Some(name) = rest.strip_prefix('.') {
                return Some(format!("“{name}” {message}."));
            }
            let place: usize = rest.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
            Some(format!("Line {} {message}.", place + 1))
        });
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| told.join(" "))
    }
}

/// Fields, and what is wrong with each.
pub fn faults_of(problem: &Problem) -> Vec<(String, String)> {
    let faults = problem.faults();
    faults.map(|(field, message)| (field.to_owned(), message.to_string())).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use trailkeep_event::Fault;

    use super::*;

    #[test]
    fn faults_stand_at_their_fields() {
        let faults = vec![
            Fault::of("name", "is missing"),
            Fault::of("origins[0]", "must be an origin"),
            Fault::of("origins[11]", "must be an origin"),
            Fault::of("sentences.a.b", "is blank"),
        ];
        let refusal = Refusal::of(Problem::invalid_fields(faults)).unwrap();
        assert_eq!(refusal.about("name").as_deref(), Some("It is missing."));
        let told = refusal.about("origins");
        assert_eq!(told.as_deref(), Some("Line 1 must be an origin. Line 12 must be an origin."));
        assert_eq!(refusal.about("sentences").as_deref(), Some("“a.b” is blank."));
        assert_eq!(refusal.about("nam"), None);
        assert_eq!(refusal.about("expiresAt"), None);
        assert_eq!(Refusal::default().detail(), None);
    }

    #[test]
    fn what_has_nothing_to_do_with_the_form_is_given_back() {
        assert!(Refusal::of(Problem::admins_only()).is_err());
        assert!(Refusal::of(Problem::internal()).is_err());
    }
}

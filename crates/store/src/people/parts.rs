//! The parts of a row that no index has, in the form in which stores keep them.
//!
//! Values of traits are texts: what is in them is the sender's, and must not keep a
//! database from taking the row.

use serde::{Deserialize, Serialize};
use trailkeep_event::{Arrival, Timestamp};

use super::claims::{Claim, Claims};
use super::emails::{Email, Emails};
use super::person::{Decision, Person, Seen};
use super::traits::{Rank, Trait, Traits};

/// Who claims, who decided, and what was said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Parts {
    /// Left out where it is not: most rows of visitors say nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    named: bool,
    claims: Vec<ClaimPart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decided: Option<DecisionPart>,
    traits: Vec<TraitPart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    truncated: Option<FloorPart>,
    emails: Vec<EmailPart>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ClaimPart {
    user: Box<str>,
    arrival: i64,
}

/// `at` is in milliseconds since the epoch.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct DecisionPart {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<Box<str>>,
    at: i64,
    by: Box<str>,
}

/// `json` is the value.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct TraitPart {
    key: Box<str>,
    json: Box<str>,
    arrival: i64,
}

/// The highest trait that was left out.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct FloorPart {
    key: Box<str>,
    arrival: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct EmailPart {
    address: Box<str>,
    arrival: i64,
}

impl Parts {
    /// Those of a row.
    pub fn of(person: &Person) -> Self {
        let claims = person.claims.iter();
        let decided = person.decided.as_ref();
        let emails = person.emails.iter();
        Self {
            named: person.is_named,
            claims: claims
                .map(|claim| ClaimPart { user: claim.user.clone(), arrival: claim.at.as_i64() })
                .collect(),
            decided: decided.map(|decision| DecisionPart {
                user: decision.user.clone(),
                at: decision.at.as_millis(),
                by: decision.by.clone(),
            }),
            traits: person.traits.iter().map(trait_part).collect(),
            truncated: person
                .traits
                .floor()
                .map(|rank| FloorPart { key: rank.key().into(), arrival: rank.said().as_i64() }),
            emails: emails
                .map(|email| EmailPart {
                    address: email.address.clone(),
                    arrival: email.said.as_i64(),
                })
                .collect(),
        }
    }

    /// The row with these, and with what has fields of its own.
    pub fn into_person(
        self,
        id: Box<str>,
        seen: Option<Seen>,
        user_since: Option<Arrival>,
    ) -> Person {
        let mut claims = Claims::default();
        for ClaimPart { user, arrival } in self.claims {
            claims.take(Claim { at: Arrival::from_i64(arrival), user });
        }
        let mut emails = Emails::default();
        for EmailPart { address, arrival } in self.emails {
            emails.add(Email { address, said: Arrival::from_i64(arrival) });
        }
        let decided = self.decided.map(|DecisionPart { user, at, by }| Decision {
            at: Timestamp::from_millis_clamped(at),
            by,
            user,
        });
        let traits = self.traits.into_iter().map(|TraitPart { key, json, arrival }| {
            (key, Trait { said: Arrival::from_i64(arrival), value: json })
        });
        let floor = self
            .truncated
            .map(|FloorPart { key, arrival }| Rank::of(&key, Arrival::from_i64(arrival)));
        let traits = Traits::from_parts(traits, floor);
        Person { id, seen, is_named: self.named, user_since, claims, decided, traits, emails }
    }
}

fn trait_part((key, newest): (&str, &Trait)) -> TraitPart {
    TraitPart { key: key.into(), json: newest.value.clone(), arrival: newest.said.as_i64() }
}

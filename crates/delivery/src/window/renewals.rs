//! What waits for a renewal of the lease: until one succeeds that was begun later, another
//! owner may be in charge and know better.

use super::Window;
use crate::effect::{Effect, Ticket};
use crate::user::{Head, Then};

impl Window {
    /// Something that a person asked for is done. It is said so after a renewal: who
    /// is not in charge any more has done it to nobody.
    pub fn ended(&mut self, ticket: Ticket) {
        self.ended.push(ticket);
        self.has_unsure = true;
    }

    /// A renewal of the lease is sent.
    pub fn renewing(&mut self) {
        self.closing.append(&mut self.settled);
        self.finishing.append(&mut self.ended);
        if !std::mem::take(&mut self.has_unsure) {
            return;
        }
        for user in self.users.values_mut() {
            if let Some(Head::Unsure(head, then)) = user.head {
                user.head = Some(Head::Renewing(head, then));
            }
        }
    }

    /// Whether something that is waited for needs a renewal to be begun.
    pub fn has_unsure(&self) -> bool {
        self.has_unsure
    }

    /// Whether a renewal would let anything go on.
    pub fn waits_for_renewal(&self) -> bool {
        !self.settled.is_empty() || !self.closing.is_empty() || self.has_unsure
    }

    /// It succeeded: what was known before it may be acted upon.
    pub fn renewed(&mut self) {
        if !self.closing.is_empty() {
            self.effects.push_back(Effect::Forget(std::mem::take(&mut self.closing)));
        }
        self.effects.extend(self.finishing.drain(..).map(Effect::Finish));
        let mut go_on = Vec::new();
        for (key, user) in &mut self.users {
            let Some(Head::Renewing(head, then)) = user.head else { continue };
            match then {
                Then::Record => {
                    user.head = Some(Head::Recording(head));
                    self.effects.push_back(Effect::Record { user: *key, id: head.1 });
                }
                Then::GoOn => {
                    user.head = None;
                    go_on.push(*key);
                }
            }
        }
        for user in go_on {
            self.go_on(user);
        }
    }
}

//! What people ask for, carried out in a term.
//!
//! An order goes in pages: the database does its part (`work::pages`), the window makes
//! the records, a renewal of the lease shows that this owner is still in charge, and only
//! then it is told how far the order has come. Whoever takes over begins with what was not
//! told.

use trailkeep_delivery::{Covering, Releasing, Ticket, UserKey, Window};
use trailkeep_event::{Arrival, StoreId};
use uuid::Uuid;

use super::agenda::{Carried, Stage};
use super::{Task, Term};
use crate::processing::orders::{Answer, Order, Progress, UserEvent};
use crate::processing::work::{Asked, Page};

/// Users with a record, above which an order about many waits: each costs a few hundred
/// bytes.
const MOST_PARKED: usize = 1_000;

impl Term {
    /// Goes on with what people ask for.
    pub(super) fn steer(&mut self, tasks: &mut Vec<Task>) {
        let steering = &mut self.steering;
        if steering.wants_reading && !steering.is_reading {
            (steering.wants_reading, steering.is_reading) = (false, true);
            tasks.push(Task::Orders);
        }
        let mut orders = std::mem::take(&mut self.steering.orders);
        let mut is_first_long = true;
        for carried in &mut orders {
            let may_begin = !carried.is_long() || std::mem::take(&mut is_first_long);
            if may_begin {
                self.go_on_with(carried, tasks);
            }
        }
        self.steering.orders = orders;
    }

    fn go_on_with(&mut self, carried: &mut Carried, tasks: &mut Vec<Task>) {
        match &mut carried.stage {
            Stage::Next => carried.stage = self.begin_page(carried, tasks),
            Stage::Settling(page) => {
                if settle(&mut self.window, page) {
                    let page = std::mem::take(page);
                    carried.stage = self.end(page);
                }
            }
            Stage::Preparing | Stage::Skipping(_) | Stage::Ending(..) | Stage::Telling => {}
        }
    }

    fn begin_page(&mut self, carried: &Carried, tasks: &mut Vec<Task>) -> Stage {
        let is_crowded = carried.is_long() && self.window.parked_users() > MOST_PARKED;
        if is_crowded || matches!(carried.order, Order::Pause) {
            return Stage::Next;
        }
        let at_head = match &carried.order {
            Order::Retry(event) | Order::Skip(event) | Order::Release(event) => {
                self.at_head(&carried.order, event)
            }
            _ => AtHead::InTheDatabase,
        };
        match at_head {
            AtHead::Settle(page) => Stage::Settling(page),
            AtHead::Skipping(id) => Stage::Skipping(id),
            AtHead::Later => Stage::Next,
            AtHead::InTheDatabase => {
                tasks.push(Task::Prepare(Asked {
                    id: carried.id,
                    order: carried.order.clone(),
                    progress: carried.progress.clone(),
                    now: self.clock.now(),
                }));
                Stage::Preparing
            }
        }
    }

    /// An order about the event at which a user is stuck.
    fn at_head(&mut self, order: &Order, event: &UserEvent) -> AtHead {
        let (user, id) = (self.processor.key_of(&event.user_id), event.id());
        let answer = |answer| AtHead::Settle(Page::last(answer));
        if self.window.held(user) == Some(id) {
            let Order::Release(_) = order else { return AtHead::InTheDatabase };
            let page = Page::last(Answer::done("the user goes on behind the event"));
            return AtHead::Settle(Page { releases: vec![(user, id)], ..page });
        }
        let is_head = self.window.next_of(user).is_some_and(|(_, head)| head == id);
        let is_failing = self.heads.get(&id).is_some_and(|head| head.attempts.sent > 0);
        match order {
            _ if !(is_head && is_failing) => match order {
                // It may have been held when this was begun by another owner.
                Order::Retry(_) | Order::Skip(_) => AtHead::InTheDatabase,
                _ => answer(Answer::conflict("the user does not wait at this event")),
            },
            Order::Retry(_) => {
                self.window.rested(user);
                answer(Answer::done("the event is sent now"))
            }
            Order::Skip(_) => match self.window.take_up(user, id) {
                Some(arrival) => {
                    self.skip(user, id, arrival, "a person skipped it");
                    AtHead::Skipping(id)
                }
                None => AtHead::Later,
            },
            _ => answer(Answer::conflict("the user does not wait for a person")),
        }
    }

    fn end(&mut self, page: Page) -> Stage {
        self.steering.tickets += 1;
        self.window.ended(self.steering.tickets);
        Stage::Ending(self.steering.tickets, page)
    }

    /// The window has ended something, and this owner was in charge after that.
    pub(super) fn finish(&mut self, ticket: Ticket, tasks: &mut Vec<Task>) {
        let is_it = |carried: &&mut Carried| matches!(carried.stage, Stage::Ending(other, _) if other == ticket);
        let Some(carried) = self.steering.orders.iter_mut().find(is_it) else { return };
        if let Stage::Ending(_, page) = std::mem::replace(&mut carried.stage, Stage::Telling) {
            tasks.push(Task::Tell(carried.id, page.progress, page.answer));
        }
    }

    /// The orders were read.
    pub(super) fn ordered(&mut self, read: Vec<(Uuid, Order, Progress)>) {
        self.steering.is_reading = false;
        self.steering.is_known = true;
        let is_open = |id: Uuid| read.iter().any(|(open, ..)| *open == id);
        let orders = std::mem::take(&mut self.steering.orders);
        let (open, gone): (Vec<_>, Vec<_>) =
            orders.into_iter().partition(|carried| is_open(carried.id));
        self.steering.orders = open;
        gone.into_iter().for_each(|carried| self.forget_order(carried));
        self.steering.answered.retain(|id| is_open(*id));
        for (id, order, progress) in read {
            let is_answered = self.steering.answered.contains(&id);
            if !is_answered && !self.steering.orders.iter().any(|carried| carried.id == id) {
                self.steering.orders.push(Carried { id, order, progress, stage: Stage::Next });
            }
        }
    }

    /// An order was answered, by whomever.
    fn forget_order(&mut self, carried: Carried) {
        if let Stage::Settling(page) | Stage::Ending(_, page) = carried.stage {
            for (user, ..) in page.covers {
                self.window.uncover(user);
            }
        }
    }

    pub(super) fn prepared(&mut self, id: Uuid, page: Page) {
        for (user, user_id, _) in &page.covers {
            self.users.insert(*user, user_id.clone());
        }
        let found = self.steering.orders.iter_mut().find(|carried| carried.id == id);
        if let Some(carried) = found {
            carried.stage = Stage::Settling(page);
        }
    }

    pub(super) fn told(&mut self, id: Uuid, goes_on: Option<Progress>) {
        let place = self.steering.orders.iter().position(|carried| carried.id == id);
        let Some(place) = place else { return };
        match goes_on {
            Some(progress) => {
                let carried = &mut self.steering.orders[place];
                (carried.progress, carried.stage) = (progress, Stage::Next);
            }
            None => {
                self.steering.orders.remove(place);
                self.steering.answered.insert(id);
            }
        }
        self.steering.read_soon();
    }

    /// The outcome of an event is stored, which a person may have skipped.
    pub(super) fn skipped(&mut self, id: StoreId) {
        let mut orders = std::mem::take(&mut self.steering.orders);
        for carried in &mut orders {
            if matches!(carried.stage, Stage::Skipping(skipped) if skipped == id) {
                let answer = Answer::done("the event is skipped, and the user goes on behind it");
                carried.stage = self.end(Page::last(answer));
            }
        }
        self.steering.orders = orders;
    }
}

/// How an order about a user's head goes on.
enum AtHead {
    Settle(Page),
    Skipping(StoreId),
    /// It is at the processor just now.
    Later,
    InTheDatabase,
}

/// Makes the records that a page is about. Whether all of them are stored.
fn settle(window: &mut Window, page: &mut Page) -> bool {
    page.releases.retain(|(user, id)| window.release(*user, *id) != Releasing::NotHeld);
    if !page.releases.is_empty() {
        return false;
    }
    let is_covered = |window: &mut Window, user: UserKey, from: Arrival| {
        window.cover(user, from) == Covering::Covered
    };
    page.covers.retain(|(user, _, from)| !is_covered(window, *user, *from));
    page.covers.is_empty()
}

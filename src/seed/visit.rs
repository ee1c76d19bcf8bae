//! What happens in one visit: a walk through the shop in which each step is
//! possible after those before it.

use std::sync::Arc;

use rand::Rng;

use super::payload::{self, ShopPage};
use super::people::Visitor;

/// The types of the sample events, all of them among the default ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // they are called as on the wire
pub enum Kind {
    SessionStart,
    Identify,
    PageView,
    Search,
    ButtonClick,
    FormSubmit,
    VideoPlay,
    VideoPause,
    AddToCart,
    RemoveFromCart,
    PaymentFailed,
    Purchase,
    Error,
}

impl Kind {
    /// Every type that a stream may hold.
    pub const ALL: [Self; 13] = [
        Self::SessionStart,
        Self::Identify,
        Self::PageView,
        Self::Search,
        Self::ButtonClick,
        Self::FormSubmit,
        Self::VideoPlay,
        Self::VideoPause,
        Self::AddToCart,
        Self::RemoveFromCart,
        Self::PaymentFailed,
        Self::Purchase,
        Self::Error,
    ];

    /// `type` on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::SessionStart => "session_start",
            Self::Identify => "identify",
            Self::PageView => "page_view",
            Self::Search => "search",
            Self::ButtonClick => "button_click",
            Self::FormSubmit => "form_submit",
            Self::VideoPlay => "video_play",
            Self::VideoPause => "video_pause",
            Self::AddToCart => "add_to_cart",
            Self::RemoveFromCart => "remove_from_cart",
            Self::PaymentFailed => "payment_failed",
            Self::Purchase => "purchase",
            Self::Error => "error",
        }
    }
}

/// Events of the longest visit.
pub const MAX_EVENTS: u32 = 30;

const MIN_EVENTS: u32 = 2;

/// Together with the least, about 8 events a visit.
const MEAN_FURTHER_EVENTS: f64 = 6.5;

const MIN_GAP_MS: i64 = 1_000;
const MEAN_FURTHER_GAP_MS: f64 = 22_000.0;
const MAX_GAP_MS: i64 = 90_000;

/// Milliseconds from the first to the last event of the longest visit.
pub const MAX_LENGTH_MS: i64 = MAX_GAP_MS * MAX_EVENTS as i64;

/// How many events a visit has, drawn.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small, and saturates
pub fn events(chance: &mut impl Rng) -> u32 {
    let further = exponential(chance) * MEAN_FURTHER_EVENTS;
    (MIN_EVENTS + further as u32).min(MAX_EVENTS)
}

/// Milliseconds from one event to the next, drawn.
#[allow(clippy::cast_possible_truncation)] // minutes at the most, and saturates
pub fn gap(chance: &mut impl Rng) -> i64 {
    let further = exponential(chance) * MEAN_FURTHER_GAP_MS;
    (MIN_GAP_MS + further as i64).min(MAX_GAP_MS)
}

/// Exponentially distributed around 1.
fn exponential(chance: &mut impl Rng) -> f64 {
    -(1.0 - chance.random::<f64>()).ln()
}

/// A visit under way.
pub struct Visit {
    pub visitor: Visitor,
    pub session_id: Arc<str>,
    has_begun: bool,
    /// Whether it is known who it is.
    is_known: bool,
    place: ShopPage,
    /// Products in the cart.
    cart: Vec<u32>,
    /// The video that plays.
    video: Option<u32>,
}

impl Visit {
    /// A visit whose first event is still to come.
    pub fn new(visitor: Visitor, chance: &mut impl Rng) -> Self {
        Self {
            visitor,
            session_id: format!("s-{:016x}", chance.random::<u64>()).into(),
            has_begun: false,
            is_known: false,
            place: ShopPage::Home,
            cart: Vec::new(),
            video: None,
        }
    }

    /// The next event, and its payload as JSON.
    pub fn step(&mut self, chance: &mut impl Rng) -> (Kind, String) {
        let kind = self.choose(chance);
        let payload = match kind {
            Kind::SessionStart => {
                self.has_begun = true;
                payload::session_start(chance)
            }
            Kind::Identify => {
                self.is_known = true;
                payload::identify(self.visitor.number)
            }
            Kind::PageView => {
                let came_from = std::mem::replace(&mut self.place, ShopPage::any(chance));
                payload::page_view(self.place, came_from, chance)
            }
            Kind::Search => {
                self.place = ShopPage::Search;
                payload::search(chance)
            }
            Kind::ButtonClick => payload::button_click(self.place, chance),
            Kind::FormSubmit => payload::form_submit(self.place, chance),
            Kind::VideoPlay => {
                let video = chance.random_range(1..=payload::VIDEOS);
                self.video = Some(video);
                payload::video(self.place, video, chance)
            }
            Kind::VideoPause => {
                let video = self.video.take().unwrap_or(1);
                payload::video(self.place, video, chance)
            }
            Kind::AddToCart => {
                let product = self.place.product().unwrap_or(1);
                self.cart.push(product);
                payload::cart(product, self.cart.len(), chance)
            }
            Kind::RemoveFromCart => {
                let product = self.cart.pop().unwrap_or(1);
                payload::cart(product, self.cart.len(), chance)
            }
            Kind::PaymentFailed => payload::payment_failed(&self.cart, chance),
            Kind::Purchase => payload::purchase(&std::mem::take(&mut self.cart), chance),
            Kind::Error => payload::error(self.place, chance),
        };
        (kind, payload)
    }

    fn choose(&self, chance: &mut impl Rng) -> Kind {
        if !self.has_begun {
            return Kind::SessionStart;
        }
        let possible = self.possible();
        let total: u32 = possible.iter().map(|(_, weight)| weight).sum();
        let mut drawn = chance.random_range(0..total);
        for (kind, weight) in possible {
            if drawn < weight {
                return kind;
            }
            drawn -= weight;
        }
        Kind::PageView
    }

    /// What may come next, with weights.
    fn possible(&self) -> [(Kind, u32); 12] {
        let if_so = |is_possible: bool, weight: u32| if is_possible { weight } else { 0 };
        let has_goods = !self.cart.is_empty();
        let plays = self.video.is_some();
        [
            (Kind::PageView, 44),
            (Kind::Search, 9),
            (Kind::ButtonClick, 17),
            (Kind::FormSubmit, 3),
            (Kind::VideoPlay, if_so(!plays, 4)),
            (Kind::VideoPause, if_so(plays, 22)),
            (Kind::AddToCart, if_so(self.place.product().is_some(), 15)),
            (Kind::RemoveFromCart, if_so(has_goods, 11)),
            (Kind::PaymentFailed, if_so(has_goods, 3)),
            (Kind::Purchase, if_so(has_goods, 12)),
            (Kind::Identify, if_so(!self.is_known, 9)),
            (Kind::Error, 1),
        ]
    }
}

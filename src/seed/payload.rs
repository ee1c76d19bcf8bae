//! What trackers add to events: small JSON objects, written by hand, since
//! none of the words in them needs an escape.

use std::fmt::{self, Display};

use rand::Rng;

/// Videos are numbered from 1 to this.
pub const VIDEOS: u32 = 40;

/// Products are numbered from 1 to this.
const PRODUCTS: u32 = 600;

const LOOKS: [&str; 12] = [
    "striped", "red", "plain", "checked", "soft", "warm", "light", "blue", "organic", "knitted",
    "recycled", "green",
];
const GOODS: [&str; 10] =
    ["socks", "scarf", "hat", "gloves", "sweater", "shirt", "blanket", "towel", "jacket", "bag"];
const CATEGORIES: [&str; 6] = ["new", "sale", "women", "men", "kids", "home"];
const ARTICLES: [&str; 5] = ["about-wool", "care", "sizes", "returns", "our-farms"];
const BUTTONS: [&str; 6] = ["size-guide", "menu", "more-photos", "reviews", "share", "filter"];
const FORMS: [&str; 4] = ["newsletter", "contact", "review", "address"];
const SOURCES: [&str; 5] =
    ["https://search.example/", "https://news.example/wool", "https://mail.example/", "", ""];
const CAMPAIGNS: [&str; 4] = ["autumn-wool", "newsletter-48", "first-order", "gift-guide"];
const FIRST_NAMES: [&str; 24] = [
    "Ann", "Priya", "Jonas", "Mara", "Oskar", "Lena", "Tomas", "Ines", "Marius", "Aiko", "Samuel",
    "Zofia", "Emil", "Nadia", "Ruben", "Clara", "Yusuf", "Freya", "Mateo", "Hanna", "Pavel",
    "Sofia", "Liam", "Greta",
];
const LAST_NAMES: [&str; 23] = [
    "Miller", "Raman", "Bell", "Lind", "Vinter", "Fold", "Grau", "Okoro", "Holt", "Tanaka",
    "Brandt", "Nowak", "Lund", "Haddad", "Costa", "Weber", "Demir", "Berg", "Silva", "Novak",
    "Moreau", "Rossi", "Walsh",
];
const PLANS: [&str; 3] = ["free", "club", "club"];
const TROUBLES: [&str; 5] = [
    "TypeError: cart is undefined",
    "NetworkError: the request timed out",
    "The coupon is not valid any more",
    "Image could not be loaded",
    "Address could not be checked",
];
const REFUSALS: [&str; 3] = ["card_declined", "insufficient_funds", "3ds_abandoned"];
const SYSTEMS: [(&str, &str, u32); 5] = [
    ("Chrome", "Android", 412),
    ("Safari", "iOS", 390),
    ("Chrome", "Windows", 1536),
    ("Firefox", "Linux", 1920),
    ("Safari", "macOS", 1440),
];
const LOCALES: [&str; 5] = ["de-DE", "en-GB", "en-US", "fr-FR", "pl-PL"];

fn one_of<T: Copy, const N: usize>(things: [T; N], chance: &mut impl Rng) -> T {
    things[chance.random_range(0..N)]
}

/// A page of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShopPage {
    Home,
    Search,
    Category(&'static str),
    Product(u32),
    Article(&'static str),
}

impl ShopPage {
    /// A page that somebody opens.
    pub fn any(chance: &mut impl Rng) -> Self {
        match chance.random_range(0..100) {
            0..8 => Self::Home,
            8..35 => Self::Category(one_of(CATEGORIES, chance)),
            35..90 => Self::Product(chance.random_range(1..=PRODUCTS)),
            _ => Self::Article(one_of(ARTICLES, chance)),
        }
    }

    /// The product that is shown.
    pub fn product(self) -> Option<u32> {
        match self {
            Self::Product(number) => Some(number),
            _ => None,
        }
    }
}

/// Its path.
impl Display for ShopPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Home => f.write_str("/"),
            Self::Search => f.write_str("/search"),
            Self::Category(name) => write!(f, "/shop/{name}"),
            Self::Product(number) => {
                write!(f, "/products/{}-{}-{number}", look(*number), good(*number))
            }
            Self::Article(name) => write!(f, "/journal/{name}"),
        }
    }
}

fn look(product: u32) -> &'static str {
    LOOKS[product as usize % LOOKS.len()]
}

fn good(product: u32) -> &'static str {
    GOODS[product as usize / LOOKS.len() % GOODS.len()]
}

/// In cents: 4.90 to 118.90.
fn price(product: u32) -> u32 {
    490 + product * 7919 % 115 * 100
}

/// Cents as a number with two decimals.
struct Money(u32);

impl Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

pub fn session_start(chance: &mut impl Rng) -> String {
    let (browser, system, width) = one_of(SYSTEMS, chance);
    format!(
        r#"{{"referrer":"{}",{}"$browser":"{browser}","$os":"{system}","width":{width},"locale":"{}","isReturning":{}}}"#,
        one_of(SOURCES, chance),
        campaign(chance),
        one_of(LOCALES, chance),
        chance.random_bool(0.6),
    )
}

/// What brought somebody, where it was an advertisement.
fn campaign(chance: &mut impl Rng) -> String {
    match chance.random_bool(0.2) {
        true => format!(r#""campaign":"{}","#, one_of(CAMPAIGNS, chance)),
        false => String::new(),
    }
}

/// Who somebody is: of one number always the same.
pub fn identify(number: u32) -> String {
    // Neighbours have other names: both counts have no common divisor with these.
    let first = FIRST_NAMES[(number.wrapping_mul(7) as usize) % FIRST_NAMES.len()];
    let last = LAST_NAMES[(number.wrapping_mul(5) as usize) % LAST_NAMES.len()];
    let plan = PLANS[number as usize % PLANS.len()];
    let (lower_first, lower_last) = (first.to_lowercase(), last.to_lowercase());
    format!(
        r#"{{"traits":{{"name":"{first} {last}","email":"{lower_first}.{lower_last}{number}@example.com","plan":"{plan}"}}}}"#
    )
}

pub fn error(place: ShopPage, chance: &mut impl Rng) -> String {
    format!(
        r#"{{"message":"{}","path":"{place}","line":{}}}"#,
        one_of(TROUBLES, chance),
        chance.random_range(1..900),
    )
}

pub fn payment_failed(products: &[u32], chance: &mut impl Rng) -> String {
    let total = products.iter().map(|&product| price(product)).sum();
    format!(
        r#"{{"error":"{}","total":{},"currency":"EUR","attempt":{}}}"#,
        one_of(REFUSALS, chance),
        Money(total),
        chance.random_range(1..=3),
    )
}

pub fn page_view(place: ShopPage, came_from: ShopPage, chance: &mut impl Rng) -> String {
    format!(
        r#"{{"path":"{place}","referrer":"{came_from}","loadMs":{},"scroll":0.{:02}}}"#,
        chance.random_range(80..2400),
        chance.random_range(0..100),
    )
}

pub fn search(chance: &mut impl Rng) -> String {
    let (look, good) = (one_of(LOOKS, chance), one_of(GOODS, chance));
    format!(
        r#"{{"query":"{look} {good}","path":"/search","results":{},"sort":"{}","tookMs":{}}}"#,
        chance.random_range(0..60),
        one_of(["relevance", "price", "newest"], chance),
        chance.random_range(12..180),
    )
}

pub fn button_click(place: ShopPage, chance: &mut impl Rng) -> String {
    format!(
        r#"{{"button":"{}","path":"{place}","x":{},"y":{}}}"#,
        one_of(BUTTONS, chance),
        chance.random_range(0..1400),
        chance.random_range(0..900),
    )
}

pub fn form_submit(place: ShopPage, chance: &mut impl Rng) -> String {
    format!(
        r#"{{"form":"{}","path":"{place}","fields":{},"durationMs":{},"isValid":{}}}"#,
        one_of(FORMS, chance),
        chance.random_range(1..8),
        chance.random_range(2_000..90_000),
        chance.random_bool(0.9),
    )
}

pub fn video(place: ShopPage, video: u32, chance: &mut impl Rng) -> String {
    format!(
        r#"{{"videoId":"v-{video:03}","path":"{place}","positionMs":{},"quality":"{}","isMuted":{}}}"#,
        chance.random_range(0..180_000),
        one_of(["480p", "720p", "1080p"], chance),
        chance.random_bool(0.3),
    )
}

pub fn cart(product: u32, items: usize, chance: &mut impl Rng) -> String {
    format!(
        r#"{{"sku":"SKU-{product:05}","name":"{} {}","price":{},"currency":"EUR","quantity":{},"items":{items}}}"#,
        look(product),
        good(product),
        Money(price(product)),
        chance.random_range(1..=3),
    )
}

pub fn purchase(products: &[u32], chance: &mut impl Rng) -> String {
    let total = products.iter().map(|&product| price(product)).sum();
    format!(
        r#"{{"orderId":"o-{:010x}","total":{},"currency":"EUR","items":{},"method":"{}","shipping":{{"country":"{}","isExpress":{}}}}}"#,
        chance.random::<u64>() >> 24,
        Money(total),
        products.len(),
        one_of(["card", "paypal", "invoice"], chance),
        one_of(["DE", "FR", "PL", "GB"], chance),
        chance.random_bool(0.2),
    )
}

//! A text with the place marked by which it was found. Pure.

/// What is before the place, the place, and what is behind it.
#[derive(Debug, PartialEq, Eq)]
pub struct Marked {
    pub before: String,
    pub hit: String,
    pub after: String,
}

impl Marked {
    /// Marks where the text, or a word of it, begins with what was typed, in any case.
    pub fn new(text: &str, typed: &str) -> Self {
        let place = starts(text).find_map(|start| {
            let length = common(&text[start..], typed)?;
            Some((start, start + length))
        });
        let (start, end) = place.unwrap_or((text.len(), text.len()));
        Self {
            before: text[..start].to_owned(),
            hit: text[start..end].to_owned(),
            after: text[end..].to_owned(),
        }
    }
}

/// Where words begin.
fn starts(text: &str) -> impl Iterator<Item = usize> {
    let mut was_word = false;
    text.char_indices().filter_map(move |(at, c)| {
        let starts = c.is_alphanumeric() && !was_word;
        was_word = c.is_alphanumeric();
        (starts || at == 0).then_some(at)
    })
}

/// The bytes of the beginning of a text that is what was typed, in any case.
fn common(text: &str, typed: &str) -> Option<usize> {
    if typed.is_empty() {
        return None;
    }
    let mut ours = text.char_indices();
    for wanted in typed.chars() {
        let (_, c) = ours.next()?;
        if !c.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    Some(ours.next().map_or(text.len(), |(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, typed: &str) -> String {
        let Marked { before, hit, after } = Marked::new(text, typed);
        format!("{before}[{hit}]{after}")
    }

    #[test]
    fn the_beginning_of_a_word_is_marked_in_any_case() {
        assert_eq!(told("Mara Lind", "mar"), "[Mar]a Lind");
        assert_eq!(told("Mara Lind", "LIN"), "Mara [Lin]d");
        assert_eq!(told("earlier e-mail mar@x.example", "mar@"), "earlier e-mail [mar@]x.example");
        assert_eq!(told("Émile Żak", "ża"), "Émile [Ża]k");
        assert_eq!(told("u_48213", "u_48213"), "[u_48213]");
    }

    #[test]
    fn what_is_not_there_is_not_marked() {
        assert_eq!(told("Mara", "ara"), "Mara[]");
        assert_eq!(told("Mara", ""), "Mara[]");
        assert_eq!(told("", "x"), "[]");
    }
}

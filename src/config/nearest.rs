//! Which known name somebody may have meant.

use strsim::levenshtein;

/// The candidate most like `name`, if one is like it: at most a third of the
/// name's characters, and at least one, may differ.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .map(|candidate| (levenshtein(&name, candidate), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_similar_name_is_suggested() {
        let names = ["http.port", "http.host", "write.in_flight"];
        let nearest = |name| nearest(name, names.into_iter());
        assert_eq!(nearest("http.prot"), Some("http.port"));
        assert_eq!(nearest("HTTP.Host"), Some("http.host"));
        assert_eq!(nearest("store.colour"), None);
        assert_eq!(nearest(""), None);
    }
}

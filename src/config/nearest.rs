//! Which known name somebody may have meant.

/// The candidate most like `name`, if one is like it: at most a third of the
/// name's characters, and at least one, may differ.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .map(|candidate| (distance(&name, candidate), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Characters to insert, delete or replace to make one text of the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, &r) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(l != r);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("flush", "flush"), 0);
        assert_eq!(distance("flsh", "flush"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

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

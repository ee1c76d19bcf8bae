//! Statements in commands of a size that the server takes.

use bson::raw::RawDocumentBuf;

use crate::StoreError;

/// Bytes of statements in one command, unless it is a single one.
const MAX_BYTES: usize = 4 << 20;

/// What is made for each command, in groups of which each goes into one.
pub fn in_commands<T>(
    made: impl IntoIterator<Item = Result<T, StoreError>>,
    size: impl Fn(&T) -> usize,
) -> Result<Vec<Vec<T>>, StoreError> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    let mut bytes = 0;
    for made in made {
        let made = made?;
        let more = size(&made);
        bytes += more;
        match groups.last_mut() {
            Some(group) if bytes <= MAX_BYTES => group.push(made),
            _ => {
                bytes = more;
                groups.push(vec![made]);
            }
        }
    }
    Ok(groups)
}

/// Bytes that a statement takes.
pub fn size(statement: &RawDocumentBuf) -> usize {
    statement.as_bytes().len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn groups_of(sizes: &[usize]) -> Vec<Vec<usize>> {
        in_commands(sizes.iter().copied().map(Ok), |size| *size).unwrap()
    }

    #[test]
    fn a_command_takes_what_fits_and_one_statement_at_the_least() {
        let half = MAX_BYTES / 2;
        assert_eq!(groups_of(&[]), Vec::<Vec<usize>>::new());
        assert_eq!(groups_of(&[half, half, 1]), [vec![half, half], vec![1]]);
        assert_eq!(
            groups_of(&[1, MAX_BYTES + 1, 1]),
            [vec![1], vec![MAX_BYTES + 1], vec![1]],
            "a large one goes alone"
        );
    }
}

//! Keys of payloads whose values are searched.

/// Each is an index of the database.
const MOST: usize = 3;

/// Bytes of a key at the most.
const MAX_BYTES: usize = 64;

/// Characters that mean something in the path of a field, in one database or the other.
const RESERVED: [char; 4] = ['$', '.', '"', '\\'];

/// Checks the list; the error says what is allowed. Two that differ in the case of letters
/// alone are refused: SQLite has no two indexes of such names.
pub fn parse(names: Vec<String>) -> Result<Vec<String>, String> {
    if let Some(wrong) = names.iter().find(|name| !is_key(name)) {
        return Err(format!(
            "must be a list of keys of 1 to {MAX_BYTES} bytes without \"$\", \".\", double quotes, \
             backslashes, control characters, and blanks at the ends; {wrong:?} is not"
        ));
    }
    for (place, name) in names.iter().enumerate() {
        if names[..place].iter().any(|other| other.eq_ignore_ascii_case(name)) {
            return Err(format!(
                "must name each key once, in whatever case; {name:?} is there twice"
            ));
        }
    }
    if names.len() > MOST {
        return Err(format!("must have at most {MOST} keys: each is an index in the database"));
    }
    Ok(names)
}

fn is_key(name: &str) -> bool {
    let is_wrong = |c: char| c.is_control() || RESERVED.contains(&c);
    (1..=MAX_BYTES).contains(&name.len()) && !name.contains(is_wrong) && name.trim() == name
}

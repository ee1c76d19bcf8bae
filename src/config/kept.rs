//! What of senders is kept.

/// What of senders is kept in payloads as it was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// The text of the user agent.
    pub user_agent: bool,
    /// The address.
    pub address: bool,
}

impl Kept {
    /// Of a list of words; the error says which may be in it.
    pub fn parse(words: &[String]) -> Result<Self, String> {
        let mut kept = Self::default();
        for word in words {
            match word.as_str() {
                "user_agent" => kept.user_agent = true,
                "address" => kept.address = true,
                _ => {
                    return Err(format!(
                        "must be a list of \"user_agent\" and \"address\"; {word:?} is neither"
                    ));
                }
            }
        }
        Ok(kept)
    }
}

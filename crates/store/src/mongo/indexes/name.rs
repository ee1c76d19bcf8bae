//! What indexes are called.

use mongodb::IndexModel;

/// What an index is called; the server names all of them.
pub fn name_of(index: &IndexModel) -> Option<&str> {
    index.options.as_ref()?.name.as_deref()
}

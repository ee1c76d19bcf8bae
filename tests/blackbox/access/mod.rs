//! Who may read, who may write, and what is noted of it.

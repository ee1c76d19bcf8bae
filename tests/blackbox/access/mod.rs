//! Who may read, who may write, and what is noted of it.

mod callers;
mod events;
mod floods;
mod kept;
mod leaks;
mod own_sessions;
mod sessions;
mod set_up;
mod shell;
mod staff;
mod table;
mod team;
mod tokens;
mod trail;
mod write_keys;
mod wrong_cookies;

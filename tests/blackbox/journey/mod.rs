//! GET /users/{userId}/journey: order, filters, pages and exports.

mod exports;
mod filters;
mod order;
mod pages;
mod ways;

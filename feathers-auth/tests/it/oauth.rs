//! Logins through other sites, from the first request to the last redirect, with a provider that the tests run.

mod accounts;
mod callback;
mod hostile;
mod openid;
mod provider;
mod settings;
mod site;
mod start;

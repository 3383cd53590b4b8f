//! Presets: what is known of a provider, so that a key and a secret are enough.

use super::config::ProviderConfig;

/// Adds what is known of a provider of this name; what the settings say wins.
pub(super) fn complete(name: &str, config: &ProviderConfig) -> ProviderConfig {
    let mut config = config.clone();
    match name {
        "github" => {
            fill(&mut config.authorize_url, "https://github.com/login/oauth/authorize");
            fill(&mut config.token_url, "https://github.com/login/oauth/access_token");
            fill(&mut config.profile_url, "https://api.github.com/user");
        }
        "google" => {
            fill(&mut config.authorize_url, "https://accounts.google.com/o/oauth2/v2/auth");
            fill(&mut config.token_url, "https://oauth2.googleapis.com/token");
            fill(&mut config.issuer, "https://accounts.google.com");
            fill(&mut config.jwks_url, "https://www.googleapis.com/oauth2/v3/certs");
            config.scope.get_or_insert_with(|| ["openid", "email", "profile"].map(str::to_owned).to_vec());
        }
        _ => {}
    }
    if config.issuer.is_some() {
        config.scope.get_or_insert_with(|| vec!["openid".to_owned()]);
    }
    config
}

fn fill(field: &mut Option<String>, text: &str) {
    field.get_or_insert_with(|| text.to_owned());
}

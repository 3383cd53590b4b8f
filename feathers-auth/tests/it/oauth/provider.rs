//! A provider of the tests: it logs every user in, checks PKCE, and misbehaves on request.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::parse;

/// What it does with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mood {
    Good,
    Slow,
    Huge,
    Broken,
    Elsewhere,
    Nonsense,
}

/// What it does, and what it has seen.
pub(crate) struct State {
    pub(crate) mood: HashMap<&'static str, Mood>,
    pub(crate) profile: Value,
    /// Changes the header and the claims of the next tokens.
    pub(crate) header: Value,
    pub(crate) claims: Value,
    pub(crate) sign: Sign,
    /// The paths that were asked for.
    pub(crate) seen: Vec<String>,
    codes: HashMap<String, HashMap<String, String>>,
}

/// How tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sign {
    Ec,
    Rsa,
    /// With a key that no app knows.
    Forged,
    /// With the app's secret, as a provider could that shares it.
    Secret,
    Nothing,
}

#[derive(Clone)]
pub(crate) struct FakeProvider {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    keys: &'static Keys,
}

/// All providers share them, since they take long to make.
static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let ec = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    Keys { ec: ec(), other: ec(), rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap() }
});

struct Keys {
    ec: EcdsaKeyPair,
    other: EcdsaKeyPair,
    rsa: RsaKeyPair,
}

pub(crate) const KEY: &str = "the-app";
pub(crate) const SECRET: &str = "what the app and the provider know";

impl FakeProvider {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = State {
            mood: HashMap::new(),
            profile: json!({ "id": 17, "name": "Ada", "email": "ada@example.com" }),
            header: json!({}),
            claims: json!({}),
            sign: Sign::Ec,
            seen: Vec::new(),
            codes: HashMap::new(),
        };
        let provider = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            state: Arc::new(Mutex::new(state)),
            keys: &KEYS,
        };
        let own = provider.clone();
        let router = Router::new().fallback(move |request: Request| {
            let own = own.clone();
            async move { own.answer(request).await }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        provider
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.state.lock().unwrap().seen.clone()
    }

    /// Logs a user in, as its page would, and returns the answer that the browser brings back.
    pub(crate) fn authorize(&self, location: &str) -> Url {
        let url = Url::parse(location).unwrap();
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert!(location.starts_with(&format!("{}/authorize?", self.url)), "{location}");
        assert_eq!((query["response_type"].as_str(), query["client_id"].as_str()), ("code", KEY));
        assert_eq!(query["code_challenge_method"], "S256");
        let mut back = Url::parse(&query["redirect_uri"]).unwrap();
        let code = format!("code-{}", self.state.lock().unwrap().codes.len());
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", &query["state"]);
        self.state.lock().unwrap().codes.insert(code, query);
        back
    }

    async fn answer(&self, request: Request) -> Response {
        let path = request.uri().path().to_owned();
        let mood = {
            let mut state = self.state.lock().unwrap();
            state.seen.push(path.clone());
            state.mood.get(&*path).copied().unwrap_or(Mood::Good)
        };
        let answer = |status: u16, text: String| {
            let answer = Response::builder().status(status).header("content-type", "application/json");
            answer.body(Body::from(text)).unwrap()
        };
        match mood {
            Mood::Good => {}
            Mood::Slow => tokio::time::sleep(Duration::from_secs(30)).await,
            Mood::Huge => {
                let filler = "x".repeat(1 << 20);
                return answer(200, json!({ "id": 1, "access_token": filler, "token_type": "bearer" }).to_string());
            }
            Mood::Broken => return answer(500, "{\"secret\":\"inside\"}".to_owned()),
            Mood::Elsewhere => {
                let answer = Response::builder().status(307).header("location", format!("{}/elsewhere", self.url));
                return answer.body(Body::empty()).unwrap();
            }
            Mood::Nonsense => return answer(200, "<html>".to_owned()),
        }
        let bearer = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let body = to_bytes(request.into_body(), 1 << 20).await.unwrap();
        match path.as_str() {
            "/token" => match self.token(&parse(&body).into_owned().collect()) {
                Ok(tokens) => answer(200, tokens.to_string()),
                Err(error) => answer(400, json!({ "error": error }).to_string()),
            },
            "/profile" if bearer.as_deref() == Some("Bearer good") => {
                answer(200, self.state.lock().unwrap().profile.to_string())
            }
            "/jwks" => answer(200, self.jwks().to_string()),
            _ => answer(401, "{}".to_owned()),
        }
    }

    fn token(&self, form: &HashMap<String, String>) -> Result<Value, &'static str> {
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if (field("client_id"), field("client_secret"), field("grant_type")) != (KEY, SECRET, "authorization_code") {
            return Err("invalid_client");
        }
        let asked = self.state.lock().unwrap().codes.remove(field("code")).ok_or("invalid_grant")?;
        let hash = digest::digest(&digest::SHA256, field("code_verifier").as_bytes());
        if URL_SAFE_NO_PAD.encode(hash) != asked["code_challenge"] || field("redirect_uri") != asked["redirect_uri"] {
            return Err("invalid_grant");
        }
        Ok(json!({
            "access_token": "good",
            "token_type": "bearer",
            "scope": "a,b",
            "id_token": self.id_token(asked.get("nonce").map(String::as_str)),
        }))
    }

    fn id_token(&self, nonce: Option<&str>) -> String {
        let state = self.state.lock().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let algorithm = match state.sign {
            Sign::Ec | Sign::Forged => "ES256",
            Sign::Rsa => "RS256",
            Sign::Secret => "HS256",
            Sign::Nothing => "none",
        };
        let kid = if state.sign == Sign::Rsa { "rsa" } else { "ec" };
        let mut header = json!({ "alg": algorithm, "kid": kid });
        let mut claims = json!({
            "iss": self.url, "aud": KEY, "sub": "ada-1", "iat": now, "exp": now + 300, "nonce": nonce, "name": "Ada",
        });
        for (own, changed) in [(&mut header, &state.header), (&mut claims, &state.claims)] {
            for (name, value) in changed.as_object().unwrap() {
                own[name] = value.clone();
            }
        }
        let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let text = format!("{}.{}", encode(&header), encode(&claims));
        let random = SystemRandom::new();
        let signature = match state.sign {
            Sign::Ec => self.keys.ec.sign(&random, text.as_bytes()).unwrap().as_ref().to_vec(),
            Sign::Forged => self.keys.other.sign(&random, text.as_bytes()).unwrap().as_ref().to_vec(),
            Sign::Rsa => {
                let mut signature = vec![0; self.keys.rsa.public_modulus_len()];
                self.keys.rsa.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature).unwrap();
                signature
            }
            Sign::Secret => {
                let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
                aws_lc_rs::hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
            }
            Sign::Nothing => Vec::new(),
        };
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn jwks(&self) -> Value {
        let point = self.keys.ec.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let rsa = self.keys.rsa.public_key();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (n, e) = (rsa.modulus(), rsa.exponent());
        json!({ "keys": [
            { "kty": "something", "kid": "new" },
            { "kty": "oct", "kid": "secret", "k": encode(SECRET.as_bytes()) },
            { "kty": "EC", "crv": "P-256", "kid": "ec", "use": "sig", "x": encode(x), "y": encode(y) },
            { "kty": "RSA", "kid": "rsa", "n": encode(n.big_endian_without_leading_zero()),
              "e": encode(e.big_endian_without_leading_zero()) },
        ] })
    }
}

//! Attacks on access tokens: each must be refused.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const KEY: Secret<[u8; 32]> = Secret::new([7; 32]);
const KEY_ID: SigningKeyId = SigningKeyId::from_uuid(uuid::Uuid::from_u128(7));

/// The key above, retired or not.
fn key(retired_at: Option<Timestamp>) -> TokenKey {
    TokenKey::new(SigningKey { id: KEY_ID, created_at: crate::model::time::now(), retired_at }, &KEY)
}

fn tokens() -> AccessTokens {
    AccessTokens::new(vec![key(None)])
}

fn identity() -> Identity {
    Identity { user_id: UserId::generate(), session: TokenFamilyId::generate() }
}

/// A token as ours, after `change` was applied to its header and claims; signed with `key`.
fn forged(key: &[u8], change: impl FnOnce(&mut Value, &mut Value)) -> String {
    let now = chrono::Utc::now().timestamp();
    let mut header = json!({"typ": "JWT", "alg": "HS256", "kid": KEY_ID});
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": UserId::generate(), "sid": TokenFamilyId::generate(),
        "iat": now, "nbf": now, "exp": now + LIFETIME_SECONDS,
    });
    change(&mut header, &mut claims);
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&header), part(&claims));
    let key = EncodingKey::from_secret(key);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

#[test]
fn an_issued_token_gives_back_its_identity() {
    let tokens = tokens();
    let identity = identity();
    let token = tokens.issue(identity, crate::model::time::now()).unwrap();
    assert_eq!(tokens.verify(token.expose()).unwrap(), identity);
    assert!(
        tokens.verify(&forged(KEY.expose(), |_, _| ())).is_ok(),
        "the forger makes valid tokens unless told"
    );
}

#[test]
fn expires_after_fifteen_minutes() {
    let tokens = tokens();
    let token = |seconds_ago| {
        tokens.issue(identity(), crate::model::time::now() - chrono::TimeDelta::seconds(seconds_ago)).unwrap()
    };
    assert!(tokens.verify(token(LIFETIME_SECONDS - 10).expose()).is_ok());
    assert!(matches!(tokens.verify(token(LIFETIME_SECONDS + 10).expose()), Err(AccessTokenError::Expired)));
}

#[test]
fn refuses_forged_headers() {
    let tokens = tokens();
    let refused = |what: &str, token: String| assert!(tokens.verify(&token).is_err(), "{what}");
    for algorithm in ["none", "None", "HS384", "HS512", "RS256", "ES256", "EdDSA", ""] {
        refused(algorithm, forged(KEY.expose(), |header, _| header["alg"] = json!(algorithm)));
    }
    for kid in
        ["../../../../dev/null", "/dev/null", "' OR 1=1 --", "", "00000000-0000-7000-8000-000000000000"]
    {
        refused(kid, forged(KEY.expose(), |header, _| header["kid"] = json!(kid)));
    }
    refused("no kid", forged(KEY.expose(), |header, _| drop(header.as_object_mut().unwrap().remove("kid"))));
    let key_of_mine = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode([9; 32])});
    refused("an embedded key", forged(&[9; 32], |header, _| header["jwk"] = key_of_mine));
    refused("another key", forged(&[9; 32], |_, _| ()));
    refused("an empty key", forged(&[], |_, _| ()));
}

#[test]
fn refuses_forged_claims() {
    let tokens = tokens();
    let refused = |what: &str, change: &dyn Fn(&mut Value)| {
        let token = forged(KEY.expose(), |_, claims| change(claims));
        assert!(tokens.verify(&token).is_err(), "{what}");
    };
    for claim in ["iss", "aud", "sub", "sid", "exp", "nbf", "iat"] {
        refused(claim, &|claims| drop(claims.as_object_mut().unwrap().remove(claim)));
        refused(claim, &|claims| claims[claim] = Value::Null);
        refused(claim, &|claims| claims[claim] = json!("somebody else"));
    }
    let now = chrono::Utc::now().timestamp();
    refused("a far expiry", &|claims| claims["exp"] = json!(now + 86_400));
    refused("a far expiry, made in the future", &|claims| {
        claims["iat"] = json!(now + 86_400);
        claims["exp"] = json!(now + 86_400 + LIFETIME_SECONDS);
    });
    refused("an overflowing lifetime", &|claims| {
        claims["iat"] = json!(i64::MIN);
        claims["exp"] = json!(now + 60);
    });
    refused("not valid yet", &|claims| claims["nbf"] = json!(now + 60));
}

#[test]
fn a_retired_key_verifies_what_it_signed_before_and_nothing_else() {
    let tokens = tokens();
    let now = crate::model::time::now();
    let old = tokens.issue(identity(), now - chrono::TimeDelta::seconds(60)).unwrap();
    let new = TokenKey::new(
        SigningKey { id: SigningKeyId::generate(), created_at: now, retired_at: None },
        &Secret::new([8; 32]),
    );
    tokens.replace_keys(vec![new, key(Some(now - chrono::TimeDelta::seconds(30)))]);
    assert!(tokens.verify(old.expose()).is_ok());
    assert!(tokens.verify(&forged(KEY.expose(), |_, _| ())).is_err(), "signed after it was retired");
    let fresh = tokens.issue(identity(), now).unwrap();
    assert!(tokens.verify(fresh.expose()).is_ok());
    assert_ne!(decode_header(fresh.expose()).unwrap().kid, decode_header(old.expose()).unwrap().kid);
    tokens.replace_keys(vec![key(Some(now))]);
    assert!(matches!(tokens.issue(identity(), now), Err(AccessTokenError::NoKey)));
    tokens.replace_keys(Vec::new());
    assert!(tokens.verify(old.expose()).is_err());
}

#[test]
fn refuses_text_that_is_no_token() {
    let tokens = tokens();
    let token = tokens.issue(identity(), crate::model::time::now()).unwrap();
    let (message, signature) = token.expose().rsplit_once('.').unwrap();
    let cut = &signature[..signature.len() - 4];
    for text in
        ["", ".", "..", "a.b.c", "\u{0}", message, &format!("{message}."), &format!("{message}.{cut}")]
    {
        assert!(tokens.verify(text).is_err(), "{text}");
    }
}

#[test]
fn shows_nothing_of_the_key() {
    assert!(!format!("{:?}", tokens()).contains("7, 7"));
}

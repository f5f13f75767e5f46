//! Requests which the vendor's own signer signed (`tests/vectors/make_vectors.py`).

use ruleward_sign::{
    Authorization, Credentials, SignedRequest, VerifyError, sign, sign_derived, signing_time,
    verify,
};
use serde_json::Value;

/// One signed request with the key that signed it.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) secret_key: String,
}

impl Vector {
    pub(crate) fn verify(&self) -> Result<(), VerifyError> {
        let authorization = self.header("Authorization");
        let authorization = std::str::from_utf8(authorization).unwrap();
        let authorization = Authorization::parse(authorization).unwrap();
        self.with_request(|request| verify(request, &authorization, self.secret_key.as_bytes()))
    }

    pub(crate) fn with_request<T>(&self, action: impl FnOnce(&SignedRequest<'_>) -> T) -> T {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        action(&SignedRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            body: &self.body,
        })
    }

    pub(crate) fn header(&self, name: &str) -> &[u8] {
        &self.headers.iter().find(|(candidate, _)| candidate == name).unwrap().1
    }

    pub(crate) fn header_mut(&mut self, name: &str) -> &mut Vec<u8> {
        &mut self.headers.iter_mut().find(|(candidate, _)| candidate == name).unwrap().1
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

pub(crate) fn vectors() -> Vec<Vector> {
    let file: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    file["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|vector| Vector {
            name: text(&vector["name"]),
            method: text(&vector["method"]),
            path: text(&vector["path"]),
            query: text(&vector["query"]),
            headers: vector["headers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|pair| (text(&pair[0]), unhex(pair[1].as_str().unwrap())))
                .collect(),
            body: unhex(vector["body"].as_str().unwrap()),
            secret_key: text(&vector["secret_key"]),
        })
        .collect()
}

pub(crate) fn vector(name: &str) -> Vector {
    vectors().into_iter().find(|vector| vector.name == name).unwrap()
}

#[test]
fn every_vector_verifies() {
    let vectors = vectors();
    assert!(vectors.len() > 60);
    for vector in vectors {
        assert_eq!(vector.verify(), Ok(()), "{}", vector.name);
        let time = vector.with_request(signing_time);
        assert_eq!(time, Ok(1_772_409_599), "{}", vector.name);
    }
}

#[test]
fn our_signature_is_the_vendors() {
    const ADDED: [&str; 3] = ["Authorization", "X-Sdk-Date", "X-Security-Token"];
    for mut vector in vectors() {
        let expected = String::from_utf8(vector.header("Authorization").to_vec()).unwrap();
        let authorization = Authorization::parse(&expected).unwrap();
        let token = vector.headers.iter().find(|(name, _)| name == "X-Security-Token");
        let token = token.map(|(_, value)| String::from_utf8(value.clone()).unwrap());
        vector.headers.retain(|(name, _)| !ADDED.contains(&name.as_str()));

        let secret_key = vector.secret_key.clone();
        let credentials = Credentials {
            access_key: authorization.access_key,
            secret_key: &secret_key,
            security_token: token.as_deref(),
        };
        let now = jiff::Timestamp::from_second(1_772_409_599).unwrap();
        let added = vector.with_request(|request| match authorization.derived {
            None => sign(request, &credentials, now),
            Some(info) => sign_derived(request, &credentials, now, info.region, info.service),
        });
        let added = added.unwrap();
        assert_eq!(added[0], ("authorization", expected.clone()), "{}", vector.name);
        assert_eq!(added[1], ("x-sdk-date", "20260301T235959Z".to_owned()));
        assert_eq!(added.get(2).map(|(_, value)| value.as_str()), token.as_deref());
    }
}

#[test]
fn every_tampered_vector_fails() {
    type Tamper = fn(&mut Vector) -> bool;
    let tampers: [(&str, Tamper); 9] = [
        ("method", |vector| {
            vector.method = "PATCH".to_owned();
            true
        }),
        ("path", |vector| {
            vector.path.push_str("/x");
            true
        }),
        ("more query", |vector| {
            vector.query.push_str("&z=1");
            true
        }),
        ("less query", |vector| {
            let had = !vector.query.is_empty();
            vector.query.clear();
            had
        }),
        ("body", |vector| {
            vector.body.push(b' ');
            vector.headers.iter().all(|(name, _)| name != "X-Sdk-Content-Sha256")
        }),
        ("date", |vector| {
            *vector.header_mut("X-Sdk-Date") = b"20260301T235958Z".to_vec();
            true
        }),
        ("host", |vector| {
            vector.header_mut("Host").push(b'0');
            true
        }),
        ("secret key", |vector| {
            vector.secret_key.push('x');
            true
        }),
        ("signature", |vector| {
            let last = vector.header_mut("Authorization").last_mut().unwrap();
            *last = if *last == b'0' { b'1' } else { b'0' };
            true
        }),
    ];
    for (what, tamper) in tampers {
        for mut vector in vectors() {
            if tamper(&mut vector) {
                assert_eq!(vector.verify(), Err(VerifyError::Signature), "{what}: {}", vector.name);
            }
        }
    }
}

#[test]
fn what_the_wire_may_change_does_not_matter() {
    for mut vector in vectors() {
        let mut pairs: Vec<&str> = vector.query.split('&').collect();
        pairs.reverse();
        vector.query = pairs.join("&");
        vector.headers.reverse();
        for (name, value) in &mut vector.headers {
            *name = if name == "Authorization" { name.clone() } else { name.to_uppercase() };
            value.insert(0, b' ');
        }
        vector.headers.push(("X-Forwarded-For".to_owned(), b"10.0.0.1".to_vec()));
        assert_eq!(vector.verify(), Ok(()), "{}", vector.name);
    }
}

//! Reading bodies: never more than the operation takes, neither as sent nor unpacked.

use std::io::Read;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http::header;
use http::request::Parts;
use http_body_util::BodyExt as _;
use ruleward_types::{Error, ErrorCode, Result, limits};

/// Largest body of most operations.
pub(crate) const SMALL_BYTES: usize = 1024 * 1024;
/// Largest body that is one resource; stored it has half of it, but it may come indented.
pub(crate) const RESOURCE_BYTES: usize = 2 * limits::RESOURCE_SIZE_BYTES;
/// Largest body of many resources: a full batch with some slack.
pub(crate) const BATCH_BYTES: usize = limits::IMPORT_BATCH_BYTES + 64 * 1024;

fn too_large(most: usize) -> Error {
    Error::with(ErrorCode::BodyTooLarge, format!("The request body has at most {most} bytes."))
}

/// The whole body as it was sent.
pub(crate) async fn read(parts: &Parts, mut body: Body, most: usize) -> Result<Bytes> {
    let stated = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let stated = stated.and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    if stated > most {
        return Err(too_large(most));
    }
    let mut whole = BytesMut::with_capacity(stated);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Error::with(ErrorCode::MalformedBody, "The request body ended before its end.")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > most {
            return Err(too_large(most));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// The body without its packing; the signature covers the packed bytes.
pub(crate) fn unpack(parts: &Parts, body: Bytes, most: usize) -> Result<Bytes> {
    let Some(encoding) = parts.headers.get(header::CONTENT_ENCODING) else { return Ok(body) };
    match encoding.as_bytes().to_ascii_lowercase().as_slice() {
        b"" | b"identity" => Ok(body),
        b"gzip" | b"x-gzip" => {
            let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
            let mut plain = Vec::with_capacity(body.len().saturating_mul(4).min(most));
            MultiGzDecoder::new(body.as_ref()).take(limit).read_to_end(&mut plain).map_err(
                |_| Error::with(ErrorCode::MalformedBody, "The request body is not gzip."),
            )?;
            if plain.len() > most { Err(too_large(most)) } else { Ok(plain.into()) }
        }
        _ => Err(Error::with(
            ErrorCode::MalformedBody,
            "Content-Encoding is `gzip` or absent; nothing else is understood.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let mut builder = http::Request::builder();
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    #[tokio::test]
    async fn bodies_that_are_too_large_are_refused() {
        let read = |headers, size: usize| async move {
            let result = read(&parts(headers), Body::from(vec![b'x'; size]), 10).await;
            result.map(|body| body.len()).map_err(|e| e.code())
        };
        assert_eq!(read(&[], 10).await, Ok(10));
        assert_eq!(read(&[], 11).await, Err(ErrorCode::BodyTooLarge));
        assert_eq!(read(&[("content-length", "11")], 0).await, Err(ErrorCode::BodyTooLarge));
    }

    #[test]
    fn gzip_is_unpacked_up_to_the_limit() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&[b'x'; 1000]).unwrap();
        let packed = Bytes::from(encoder.finish().unwrap());
        let gzip = parts(&[("content-encoding", "gzip")]);
        assert_eq!(unpack(&gzip, packed.clone(), 1000).unwrap().len(), 1000);
        let code = |result: Result<Bytes>| result.unwrap_err().code();
        assert_eq!(code(unpack(&gzip, packed.clone(), 999)), ErrorCode::BodyTooLarge);
        let half = packed.slice(..packed.len() / 2);
        assert_eq!(code(unpack(&gzip, half, 1000)), ErrorCode::MalformedBody);
        let other = parts(&[("content-encoding", "br")]);
        assert_eq!(code(unpack(&other, packed, 1000)), ErrorCode::MalformedBody);
    }
}

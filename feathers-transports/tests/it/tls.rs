//! HTTPS, with HTTP/1.1 and HTTP/2.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use feathers_core::App;
use feathers_transports::{Realtime, Server};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::services::standard;
use crate::support::serve_with;

const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/localhost.pem");
const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/localhost.key");

/// Connects with one protocol on offer.
fn connect(address: SocketAddr, protocol: &[u8]) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(CERTIFICATE).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, TcpStream::connect(address).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn https_speaks_http_1_and_2() {
    let server = serve_with(standard, |server| server.tls(CERTIFICATE, KEY)).await;
    assert!(server.url().starts_with("https://"));
    let address = server.addr();
    let texts = tokio::task::spawn_blocking(move || (over_http1(address), over_http2(address))).await.unwrap();
    let body = r#"{"method":"find","params":{"query":{},"route":{},"provider":"rest"}}"#;
    assert!(texts.0.starts_with("HTTP/1.1 200") && texts.0.ends_with(body), "{}", texts.0);
    assert_eq!(texts.1, body);
    server.stop().await.unwrap();
}

fn over_http1(address: SocketAddr) -> String {
    let mut stream = connect(address, b"http/1.1");
    stream.write_all(b"GET /echo HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn over_http2(address: SocketAddr) -> String {
    let (text, is_whole) = get_over_http2(address, "/echo");
    assert!(is_whole);
    text
}

/// Reads an answer, and tells whether it has ended as it should or was reset.
fn get_over_http2(address: SocketAddr, path: &str) -> (String, bool) {
    let mut stream = connect(address, b"h2");
    // The preface, empty settings, and one GET on stream 1: method and scheme from the static table.
    let length = u8::try_from(path.len()).unwrap();
    let head = [&[0x82, 0x87, 0x04, length], path.as_bytes(), b"\x01\x09localhost"].concat();
    let mut request = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    request.extend([b"\0\0", &[u8::try_from(head.len()).unwrap()][..], b"\x01\x05\0\0\0\x01", &head].concat());
    stream.write_all(&request).unwrap();
    let mut text = Vec::new();
    loop {
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).unwrap();
        let [a, b, c, kind, flags, ..] = frame;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        stream.read_exact(&mut payload).unwrap();
        // Data, and the end of a stream that is not finished.
        let (is_data, is_reset) = (kind == 0, kind == 3);
        if is_data {
            text.extend(payload);
        }
        if is_reset || is_data && flags & 1 == 1 {
            assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
            return (String::from_utf8(text).unwrap(), !is_reset);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_2_a_stream_of_events_is_reset_so_that_its_reader_comes_back() {
    let realtime = Realtime::new().max_lifetime(Duration::from_millis(300)).max_streams(1);
    let server =
        serve_with(standard, |server| server.without_defaults().transport(realtime).tls(CERTIFICATE, KEY)).await;
    let address = server.addr();
    let listen = move || get_over_http2(address, "/realtime?transport=sse");
    let (text, is_whole) = tokio::task::spawn_blocking(listen).await.unwrap();
    assert!(text.contains("event: ready\n") && text.ends_with(": bye\n") && !is_whole, "{text}");
    server.handle().shutdown(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn plain_http_and_silence_do_not_harm_others() {
    let server =
        serve_with(standard, |server| server.tls(CERTIFICATE, KEY).header_timeout(Duration::from_millis(200))).await;
    for bytes in [&b"GET /echo HTTP/1.1\r\n\r\n"[..], b""] {
        let answer = crate::support::raw(&server, bytes).await;
        assert!(!answer.contains("HTTP/1.1"), "{answer}");
    }
    let address = server.addr();
    let text = tokio::task::spawn_blocking(move || over_http1(address)).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
}

#[tokio::test]
async fn files_that_cannot_be_used_stop_the_start() {
    let server = Server::new(App::new()).bind("127.0.0.1:0").tls("missing.pem", KEY);
    let error = server.start().await.unwrap_err();
    assert!(error.message().starts_with("cannot use the certificate missing.pem with the key "), "{error}");
}

use super::*;
use futures::FutureExt;
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

/// Connections to a new listener.
async fn connections() -> (TcpListener, Arc<Connections>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/graphql?v=1", listener.local_addr().unwrap());
    let uri = uri.parse().unwrap();
    (listener, Connections::new(HttpConnector::new(), &uri).unwrap())
}

/// Reads a request up to the end of its body, `hi`, and gives its head.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\nhi") {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "the connection was closed");
    }
    String::from_utf8(read).unwrap()
}

async fn ask(connections: &Arc<Connections>) -> Result<Bytes, String> {
    let mut request = Request::new(Full::new(Bytes::from_static(b"hi")));
    *request.method_mut() = http::Method::POST;
    let answer = connections.request(request).await.map_err(|error| error.to_string())?;
    let body = answer.into_body().collect().await.map_err(|error| error_chain(&error))?;
    Ok(body.to_bytes())
}

#[tokio::test]
async fn a_connection_is_used_again_and_names_its_host() {
    let (listener, connections) = connections().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let host = format!("host: {}\r\n", listener.local_addr().unwrap());
        for _ in 0..3 {
            let head = read_request(&mut stream).await;
            assert!(head.starts_with("POST /graphql?v=1 HTTP/1.1\r\n"), "{head}");
            assert!(head.contains(&host), "{head}");
            stream.write_all(OK).await.unwrap();
        }
    });
    for _ in 0..3 {
        assert_eq!(ask(&connections).await.unwrap(), "{}");
    }
    server.await.unwrap();
}

#[tokio::test]
async fn requests_at_one_time_have_connections_of_their_own() {
    let (listener, connections) = connections().await;
    let server = tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        let (mut second, _) = listener.accept().await.unwrap();
        for stream in [&mut first, &mut second] {
            read_request(stream).await;
        }
        for stream in [&mut second, &mut first] {
            stream.write_all(OK).await.unwrap();
        }
        // Both are kept.
        assert_eq!(first.read(&mut [0]).await.unwrap() + second.read(&mut [0]).await.unwrap(), 0);
    });
    let (one, two) = tokio::join!(ask(&connections), ask(&connections));
    assert_eq!((one.unwrap(), two.unwrap()), ("{}".into(), "{}".into()));
    assert_eq!(connections.idle().connections.len(), 2);
    drop(connections);
    server.await.unwrap();
}

#[tokio::test]
async fn what_was_closed_meanwhile_is_not_used() {
    let (listener, connections) = connections().await;
    let server = tokio::spawn(async move {
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await;
            stream.write_all(OK).await.unwrap();
            stream.shutdown().await.unwrap();
            // Until the other end is closed as well.
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        }
    });
    for _ in 0..3 {
        assert_eq!(ask(&connections).await.unwrap(), "{}");
    }
    drop(connections);
    server.await.unwrap();
}

#[tokio::test]
async fn what_asks_to_be_closed_is_not_kept() {
    let (listener, connections) = connections().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(answer).await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    });
    assert_eq!(ask(&connections).await.unwrap(), "{}");
    assert!(connections.idle().connections.is_empty());
    server.await.unwrap();
}

#[tokio::test]
async fn a_request_that_was_sent_is_not_sent_again() {
    let (listener, connections) = connections().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(OK).await.unwrap();
        read_request(&mut stream).await;
        drop(stream);
        listener
    });
    assert_eq!(ask(&connections).await.unwrap(), "{}");
    let error = ask(&connections).await.unwrap_err();
    assert!(error.starts_with("the connection broke: "), "{error}");
    let listener = server.await.unwrap();
    assert!(listener.accept().now_or_never().is_none(), "it came again");
}

#[tokio::test]
async fn broken_answers_are_errors_and_their_connections_go() {
    let broken: [&[u8]; 6] = [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        b"HTTP/1.1 200",
    ];
    for answer in broken {
        let (listener, connections) = connections().await;
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await;
            stream.write_all(answer).await.unwrap();
        });
        let text = String::from_utf8_lossy(answer).into_owned();
        assert!(ask(&connections).await.is_err(), "{text}");
        assert!(connections.idle().connections.is_empty(), "{text}");
        server.await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_comes_in_pieces_of_any_size() {
    let (listener, connections) = connections().await;
    let piece = "x".repeat(100_000);
    let sent = piece.clone();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..2 {
            read_request(&mut stream).await;
            let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            stream.write_all(head).await.unwrap();
            for _ in 0..3 {
                let chunk = format!("{:x}\r\n{sent}\r\n", sent.len());
                stream.write_all(chunk.as_bytes()).await.unwrap();
            }
            stream.write_all(b"0\r\n\r\n").await.unwrap();
        }
    });
    for _ in 0..2 {
        assert_eq!(ask(&connections).await.unwrap(), piece.repeat(3));
    }
    server.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed() {
    let (listener, connections) = connections().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(OK).await.unwrap();
        stream.read(&mut [0]).await.unwrap()
    });
    assert_eq!(ask(&connections).await.unwrap(), "{}");
    tokio::time::pause();
    tokio::time::advance(IDLE).await;
    assert_eq!(server.await.unwrap(), 0);
    assert!(!connections.idle().watched);
}

public import ByteJSON
public import HTTPTypes
public import Hummingbird
import NIOCore

extension Response {
    /// A response of this JSON value.
    public static func json(_ value: JSON, status: HTTPResponse.Status = .ok) -> Response {
        json(bytes: value.bytes, status: status)
    }

    /// A response of JSON that is written already.
    public static func json(bytes: [UInt8], status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

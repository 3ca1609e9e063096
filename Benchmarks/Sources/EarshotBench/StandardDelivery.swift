import ByteJSON
import Common
import Demo

/// A delivery signed by Standard Webhooks.
struct StandardDelivery {
    let body: [UInt8]
    let headers: [(name: String, value: String)]

    init(id: String, text: String, secret: String, paddedTo size: Int = 0) {
        var w = JSONWriter()
        w.beginObject()
        w.member("id", id)
        w.member("text", text)
        w.member("created_at", Timestamp.now.description)
        if size > w.bytes.count + 12 { w.member("page", String(repeating: "x", count: size - w.bytes.count - 12)) }
        w.endObject()
        let signed = Delivery(body: w.bytes, headers: [("Content-Type", "application/json"), ("webhook-id", id)])
            .signedByStandard(secret: secret, at: .now)
        body = signed.body
        headers = signed.headers
    }
}

import CCurl
import Common

/// One easy handle with the memory that libcurl borrows from us as long as it lives.
///
/// The handle goes first, then the lists and the buffer it pointed to.
struct EasyHandle: ~Copyable {
    let pointer: UnsafeMutableRawPointer
    private let message: UnsafeMutablePointer<CChar>
    private var lists: [UnsafeMutablePointer<curl_slist>] = []

    init() throws(HTTPTransportError) {
        CurlGlobal.initialize()
        guard let pointer = curl_easy_init() else { throw .failed("libcurl has no memory for another request") }
        self.pointer = pointer
        message = .allocate(capacity: Int(CURL_ERROR_SIZE))
        message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        earshot_curl_set_pointer(pointer, CURLOPT_ERRORBUFFER, message)
    }

    deinit {
        curl_easy_cleanup(pointer)
        for list in lists { curl_slist_free_all(list) }
        message.deallocate()
    }

    func set(_ option: CURLoption, _ value: Int) { earshot_curl_set_long(pointer, option, value) }
    func set(_ option: CURLoption, _ value: Bool) { earshot_curl_set_long(pointer, option, value ? 1 : 0) }
    func set(_ option: CURLoption, _ value: String?) { earshot_curl_set_text(pointer, option, value) }
    func set(_ option: CURLoption, _ value: Duration) {
        let (seconds, attoseconds) = value.components
        earshot_curl_set_long(pointer, option, max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)))
    }

    /// Sets a list of texts, which lives as long as the handle.
    mutating func set(_ option: CURLoption, list values: [String]) {
        var list: UnsafeMutablePointer<curl_slist>?
        for value in values { list = curl_slist_append(list, value) ?? list }
        earshot_curl_set_list(pointer, option, list)
        if let list { lists.append(list) }
    }

    /// Sets the body; libcurl keeps a copy.
    func set(body: [UInt8]) {
        earshot_curl_set_size(pointer, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
        body.withUnsafeBytes { bytes in
            _ = earshot_curl_set_pointer(
                pointer, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: bytes.baseAddress))
        }
    }

    /// The status of the response that was read last.
    var status: Int {
        var value = 0
        earshot_curl_get_long(pointer, CURLINFO_RESPONSE_CODE, &value)
        return value
    }

    /// What libcurl says of the last failure.
    func reason(of code: CURLcode) -> String {
        message.pointee == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: message)
    }
}

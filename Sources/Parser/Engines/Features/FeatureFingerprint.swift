/// What the features of some fixed sentences hash to.
///
/// A model file carries the value of the day it was trained, so features that have changed since are noticed.
enum FeatureFingerprint {
    /// Our own sentences, over the scripts and signs that the features tell apart.
    static let sentences = [
        "The app crashes on start-up since version 4.2.1!!! Don't update :(",
        "Sooooo goooood, 5 stars @team https://example.org/x?y=1 #happy 😀👍🏽",
        "Die Übersetzung ist großartig, aber ÄRGERLICH langsam…",
        "Не могу войти в аккаунт. ПОМОГИТЕ?", "Η εφαρμογή είναι ΤΕΛΕΙΑ", "التطبيق رائع جدا؟", "האפליקציה לא עובדת",
        "このアプリはとても使いやすいです！", "应用程序总是闪退，请修复。", "앱이 자꾸 꺼져요ㅠㅠ", "แอปนี้ดีมาก แต่ช้าไปหน่อย", "यह ऐप बहुत अच्छा है।",
        "İstanbul'da ÇOK güzel çalışıyor", "", " \n\t", "\u{FEFF}a\u{200B}b", "x1y2 12345 42",
    ]

    /// The value for features of a kind, `words` or `language`.
    static func of(kind: String) -> UInt64 {
        let buffer = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: WordFeatures.limit)
        defer { buffer.deallocate() }
        var fingerprint: UInt64 = 0xCBF2_9CE4_8422_2325
        for sentence in sentences {
            let count = Array(sentence.utf8).withUnsafeBufferPointer { text in
                kind == "words"
                    ? WordFeatures.extract(text, into: buffer) : LanguageFeatures(text, into: buffer).count
            }
            for index in 0..<count {
                fingerprint = (fingerprint ^ UInt64(buffer[index])) &* 0x0000_0100_0000_01B3
            }
        }
        return fingerprint
    }
}

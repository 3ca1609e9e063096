/// The short names that forums and issue trackers write emoji with.
enum EmojiNames {
    /// The sign of a name between colons at an index, and the length of the whole; nil if it is not known.
    static func read(_ source: Bytes, at index: Int) -> (scalar: UInt32, length: Int)? {
        var end = index + 1
        let limit = min(source.count, index + 32)
        while end < limit {
            let byte = source[end]
            guard (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x5F || byte == 0x2B || byte == 0x2D else {
                break
            }
            end += 1
        }
        guard end > index + 1, end < source.count, source[end] == UInt8(ascii: ":") else { return nil }
        return signs[String(decoding: source[index + 1..<end], as: UTF8.self)].map { ($0, end + 1 - index) }
    }

    private static let signs: [String: UInt32] = [
        "smile": 0x1F604, "smiley": 0x1F603, "slight_smile": 0x1F642, "slightly_smiling_face": 0x1F642,
        "grin": 0x1F601, "grinning": 0x1F600, "laughing": 0x1F606, "joy": 0x1F602, "rofl": 0x1F923, "wink": 0x1F609,
        "blush": 0x1F60A, "heart_eyes": 0x1F60D, "sunglasses": 0x1F60E, "thinking": 0x1F914, "thinking_face": 0x1F914,
        "confused": 0x1F615, "frowning": 0x1F626, "slight_frown": 0x1F641, "disappointed": 0x1F61E, "cry": 0x1F622,
        "sob": 0x1F62D, "angry": 0x1F620, "rage": 0x1F621, "sweat_smile": 0x1F605, "upside_down": 0x1F643,
        "roll_eyes": 0x1F644, "stuck_out_tongue": 0x1F61B, "heart": 0x2764, "broken_heart": 0x1F494, "+1": 0x1F44D,
        "thumbsup": 0x1F44D, "-1": 0x1F44E, "thumbsdown": 0x1F44E, "clap": 0x1F44F, "pray": 0x1F64F, "ok_hand": 0x1F44C,
        "tada": 0x1F389, "rocket": 0x1F680, "fire": 0x1F525, "100": 0x1F4AF, "eyes": 0x1F440, "bug": 0x1F41B,
        "warning": 0x26A0, "star": 0x2B50, "white_check_mark": 0x2705, "x": 0x274C, "wave": 0x1F44B,
        "muscle": 0x1F4AA,
    ]
}

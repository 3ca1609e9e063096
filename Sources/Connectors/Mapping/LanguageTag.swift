/// Language tags from the words that providers use.
enum LanguageTag {
    /// A BCP 47 tag in lower case; nil if the word names no language that we know.
    static func tag(_ word: String) -> String? {
        if word.utf8.count == 2, word.utf8.allSatisfy({ (0x61...0x7A).contains($0) }) { return word }
        if let named = names[word] { return named }
        let lower = word.trimmed.lowercased()
        if let named = names[lower] { return named }
        let tag = lower.utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }
        let primary = tag.prefix { $0 != UInt8(ascii: "-") }
        guard (2...3).contains(primary.count), primary.allSatisfy({ (0x61...0x7A).contains($0) }),
            tag.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") })
        else { return nil }
        return String(decoding: tag, as: UTF8.self)
    }

    /// English names, and the names of Steam where they differ.
    private static let names: [String: String] = [
        "afrikaans": "af", "albanian": "sq", "amharic": "am", "arabic": "ar", "armenian": "hy", "azerbaijani": "az",
        "basque": "eu", "belarusian": "be", "bengali": "bn", "bosnian": "bs", "brazilian": "pt-br",
        "bulgarian": "bg", "burmese": "my", "catalan": "ca", "chinese": "zh", "croatian": "hr", "czech": "cs",
        "danish": "da", "dutch": "nl", "english": "en", "estonian": "et", "filipino": "fil", "finnish": "fi",
        "french": "fr", "galician": "gl", "georgian": "ka", "german": "de", "greek": "el", "gujarati": "gu",
        "hebrew": "he", "hindi": "hi", "hungarian": "hu", "icelandic": "is", "indonesian": "id", "irish": "ga",
        "italian": "it", "japanese": "ja", "kannada": "kn", "kazakh": "kk", "khmer": "km", "korean": "ko",
        "koreana": "ko", "lao": "lo", "latam": "es-419", "latvian": "lv", "lithuanian": "lt", "macedonian": "mk",
        "malay": "ms", "malayalam": "ml", "marathi": "mr", "mongolian": "mn", "nepali": "ne", "norwegian": "no",
        "persian": "fa", "polish": "pl", "portuguese": "pt", "punjabi": "pa", "romanian": "ro", "russian": "ru",
        "schinese": "zh-hans", "serbian": "sr", "sinhala": "si", "slovak": "sk", "slovenian": "sl",
        "spanish": "es", "swahili": "sw", "swedish": "sv", "tagalog": "tl", "tamil": "ta", "tchinese": "zh-hant",
        "telugu": "te", "thai": "th", "turkish": "tr", "ukrainian": "uk", "urdu": "ur", "uzbek": "uz",
        "vietnamese": "vi", "welsh": "cy", "yoruba": "yo", "zulu": "zu",
    ]
}

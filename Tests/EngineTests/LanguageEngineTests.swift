import Common
import Engines
import Testing

@Suite struct LanguageEngineTests {
    private func language(_ text: String, declared: String? = nil) throws -> String {
        var texts = [AnnotatedText(text: Array(text.utf8), declaredLanguage: declared)]
        try LanguageEngine().annotate(&texts)
        return texts[0].language
    }

    @Test(arguments: [
        ("en", "The new version is much better than the old one"),
        ("de", "Die neue Version ist viel besser als die alte"),
        ("fr", "La nouvelle version est beaucoup mieux que l'ancienne"),
        ("es", "La nueva versión es mucho mejor que la anterior"),
        ("pt", "A nova versão é muito melhor do que a anterior"),
        ("it", "La nuova versione è molto meglio di quella vecchia"),
        ("nl", "De nieuwe versie is veel beter dan de oude"),
        ("sv", "Den nya versionen är mycket bättre än den gamla"),
        ("fi", "Uusi versio on paljon parempi kuin vanha"),
        ("pl", "Nowa wersja jest dużo lepsza niż stara"),
        ("cs", "Nová verze je mnohem lepší než ta stará"),
        ("hu", "Az új verzió sokkal jobb, mint a régi"),
        ("ro", "Noua versiune este mult mai bună decât cea veche"),
        ("tr", "Yeni sürüm eskisinden çok daha iyi"),
        ("vi", "Phiên bản mới tốt hơn nhiều so với phiên bản cũ"),
        ("id", "Versi yang baru jauh lebih baik daripada yang lama"),
        ("ru", "Новая версия намного лучше старой"),
        ("uk", "Нова версія набагато краща за стару"),
        ("bg", "Новата версия е много по-добра от старата"),
        ("el", "Η νέα έκδοση είναι πολύ καλύτερη"), ("he", "הגרסה החדשה טובה יותר"),
        ("ar", "الإصدار الجديد أفضل بكثير من القديم"), ("fa", "نسخه جدید خیلی بهتر از نسخه قدیمی است"),
        ("hi", "नया संस्करण पुराने से बहुत बेहतर है"), ("th", "เวอร์ชันใหม่ดีกว่ามาก"),
        ("ko", "새 버전이 훨씬 좋아요"), ("ja", "新しいバージョンのほうがずっと良い"), ("zh", "新版本比旧版本好多了"),
        ("ta", "புதிய பதிப்பு மிகவும் நல்லது"), ("ka", "ახალი ვერსია ბევრად უკეთესია"),
    ])
    func sentencesOfOurOwn(expected: String, text: String) throws {
        #expect(try language(text) == expected)
    }

    @Test(arguments: [
        "", "  ", "12345 67", "!!! ???", "😀👍", "https://example.org/die/neue/version", "@someone", "v2.1.3",
    ])
    func nothingToReadIsUndetermined(text: String) throws {
        #expect(try language(text) == "und")
        #expect(try language(text, declared: "de") == "und")
    }

    @Test func aDeclaredLanguageDecidesCloseCallsOnly() throws {
        let german = "Die neue Version ist viel besser als die alte"
        #expect(try language(german, declared: "en-US") == "de")
        #expect(try language("ok", declared: "nl-NL") == "nl")
        #expect(try language("Super!", declared: "fr") == "fr")
        #expect(try language("新版本", declared: "en") == "zh")
        #expect(try language(german, declared: "no such tag") == "de")
    }

    @Test func aBrandInLatinDoesNotHideTheLanguage() throws {
        #expect(try language("iPhone 很好用") == "zh")
        #expect(try language("YouTube 앱이 자꾸 꺼져요") == "ko")
    }
}

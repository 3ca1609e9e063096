"""Words of praise and complaint, our own lists, for languages with little or no labelled feedback.

They are mixed into short made-up texts, so that the model has seen each in some company.
"""

import random

PRAISE = {
    "ru": "отлично, отличная игра, отличное приложение, супер, класс, классно, нравится, очень нравится, люблю, обожаю, рекомендую, лучшее, лучшая, лучший, прекрасно, прекрасная, замечательно, удобно, удобное приложение, спасибо, хорошо, хорошая, хорошее, круто, крутая игра, шикарно, великолепно, быстро, красиво, интересная, увлекательная, затягивает, доволен, довольна, всё работает, советую, идеально, шедевр, топ, полезное, приятно, 10 из 10, не пожалел, стоит своих денег",
    "uk": "чудово, чудова, супер, клас, подобається, дуже подобається, люблю, рекомендую, найкраща, найкращий, прекрасно, зручно, дякую, добре, гарна, круто, швидко, красиво, цікава, задоволений, все працює, раджу, ідеально, шедевр, корисно",
    "pl": "świetna, świetny, świetnie, super, polecam, bardzo polecam, uwielbiam, kocham, najlepsza, najlepszy, dobra, dobry, bardzo dobra, doskonała, genialna, rewelacja, wygodna, dziękuję, fajna, fajny, zadowolony, jestem zadowolona, działa bez zarzutu, ładna, piękna, szybko, przydatna, wciąga, warto, arcydzieło, idealna, przyjemna, bezproblemowo, polecam każdemu",
    "cs": "skvělá, skvělé, super, doporučuji, miluji, nejlepší, dobrá, výborná, výborně, perfektní, děkuji, spokojený, spokojenost, funguje skvěle, krásná, rychlé, užitečné, zábavná, paráda, úžasná, vřele doporučuji, bez problémů",
    "it": "ottima, ottimo, fantastica, fantastico, bellissimo, bellissima, consiglio, consigliatissimo, mi piace, adoro, perfetta, perfetto, eccellente, utile, grazie, bello, bella, soddisfatto, soddisfatta, funziona benissimo, veloce, comodo, il migliore, la migliore, divertente, capolavoro, stupendo, davvero buono, complimenti, facile da usare, vale i soldi",
    "de": "super, toll, tolle app, sehr gut, klasse, spitze, ausgezeichnet, perfekt, genial, liebe, ich liebe, gefällt mir, empfehle, empfehlenswert, kann ich empfehlen, hervorragend, wunderbar, danke, beste, das beste, zufrieden, sehr zufrieden, funktioniert einwandfrei, schnell, praktisch, einfach zu bedienen, macht spaß, meisterwerk, großartig, begeistert, schön, hilfreich, fantastisch, prima, lohnt sich",
    "nl": "super, geweldig, geweldige app, heel goed, uitstekend, perfect, fantastisch, ik hou van, aanrader, aan te raden, top, prima, handig, bedankt, beste, tevreden, zeer tevreden, werkt goed, werkt perfect, snel, makkelijk, leuk, mooi, prachtig, fijn, blij mee",
    "sv": "bra, jättebra, mycket bra, super, fantastisk, fantastiskt, perfekt, underbar, älskar, rekommenderar, bästa, tack, nöjd, fungerar bra, fungerar perfekt, snabb, smidig, rolig, snygg, kanon, toppen, suverän, trevlig, utmärkt",
    "da": "god, rigtig god, super, fantastisk, perfekt, elsker, anbefaler, bedste, tak, tilfreds, fungerer godt, virker perfekt, hurtig, nem, sjov, flot, dejlig, fremragende",
    "no": "bra, veldig bra, super, fantastisk, perfekt, elsker, anbefaler, beste, takk, fornøyd, fungerer bra, rask, enkel, gøy, flott, nydelig, utmerket, kjempebra",
    "fi": "hyvä, erittäin hyvä, loistava, mahtava, täydellinen, rakastan, suosittelen, paras, kiitos, tyytyväinen, toimii hyvin, nopea, helppo, hauska, kaunis, erinomainen, upea",
    "vi": "tuyệt vời, rất tốt, tốt, rất hay, thích, rất thích, yêu thích, hài lòng, tiện lợi, dễ sử dụng, cảm ơn, hữu ích, nhanh, đẹp, hoàn hảo, xuất sắc, nên mua, đáng tiền",
}
COMPLAINT = {
    "ru": "ужасно, ужасная игра, ужасное приложение, плохо, плохая, плохое, отстой, не работает, не нравится, не рекомендую, худшее, худшая, кошмар, разочарован, разочарована, разочарование, ненавижу, бесит, тормозит, лагает, вылетает, глючит, постоянные ошибки, ошибка, деньги на ветер, верните деньги, обман, мошенники, мусор, говно, дерьмо, не покупайте, скучно, скучная, сломали, стало хуже, невозможно играть, удалил, бесполезно, баги, проблема, не могу, зря",
    "uk": "жахливо, жахлива, погано, погана, не працює, не подобається, не рекомендую, найгірша, розчарований, розчарування, ненавиджу, гальмує, лагає, вилітає, помилка, гроші на вітер, обман, шахраї, сміття, лайно, не купуйте, нудно, гірше, неможливо, видалив, марно",
    "pl": "okropna, okropny, fatalna, fatalnie, słaba, słabe, beznadziejna, nie działa, nie polecam, najgorsza, najgorszy, tragedia, rozczarowanie, rozczarowany, nienawidzę, zacina się, wywala, błąd, błędy, strata czasu, strata pieniędzy, oszustwo, oszuści, śmieć, gówno, nudna, nuda, gorzej, nie da się, odinstalowałem, bezużyteczna, porażka, dno, problem, żenada",
    "cs": "hrozná, hrozné, špatná, špatně, nefunguje, nedoporučuji, nejhorší, zklamání, zklamaný, nesnáším, seká se, padá, chyba, ztráta času, ztráta peněz, podvod, odpad, nuda, nudná, horší, nejde, odinstaloval, k ničemu, katastrofa, problém, hrůza",
    "it": "pessima, pessimo, terribile, orribile, brutto, brutta, non funziona, non consiglio, sconsiglio, la peggiore, il peggiore, delusione, deluso, delusa, odio, si blocca, lento, errore, errori, perdita di tempo, soldi buttati, truffa, spazzatura, schifo, fa schifo, noioso, noiosa, peggiorato, impossibile, disinstallata, inutile, vergogna, problema, problemi",
    "de": "schlecht, sehr schlecht, schlechte app, furchtbar, schrecklich, miserabel, funktioniert nicht, geht nicht, nicht zu empfehlen, nicht empfehlenswert, schlechteste, enttäuscht, enttäuschend, enttäuschung, hasse, stürzt ab, langsam, fehler, fehlerhaft, zeitverschwendung, geldverschwendung, abzocke, betrug, müll, scheiße, mist, langweilig, schlimmer, unmöglich, deinstalliert, nutzlos, unbrauchbar, frechheit, problem, probleme, katastrophe, finger weg, nervt, ärgerlich, leider",
    "nl": "slecht, heel slecht, verschrikkelijk, vreselijk, waardeloos, werkt niet, doet het niet, niet aan te raden, slechtste, teleurgesteld, teleurstelling, haat, loopt vast, traag, fout, fouten, tijdverspilling, geldverspilling, oplichting, rommel, troep, saai, slechter, onmogelijk, verwijderd, nutteloos, jammer, probleem, problemen, ramp, irritant, helaas",
    "sv": "dålig, dåligt, jättedålig, hemsk, värdelös, värdelöst, fungerar inte, funkar inte, rekommenderar inte, sämsta, besviken, besvikelse, hatar, kraschar, långsam, fel, slöseri, bortkastade pengar, bluff, skräp, tråkig, sämre, omöjligt, avinstallerade, oanvändbar, problem, katastrof, irriterande, tyvärr, usel",
    "da": "dårlig, dårligt, forfærdelig, elendig, virker ikke, anbefaler ikke, værste, skuffet, skuffelse, hader, crasher, langsom, fejl, spild af tid, spild af penge, svindel, skrald, kedelig, dårligere, umuligt, afinstalleret, ubrugelig, problem",
    "no": "dårlig, forferdelig, elendig, fungerer ikke, virker ikke, anbefaler ikke, verste, skuffet, skuffelse, hater, krasjer, treg, feil, bortkastet tid, bortkastede penger, svindel, søppel, kjedelig, dårligere, umulig, ubrukelig, problem, dessverre",
    "fi": "huono, surkea, kamala, ei toimi, en suosittele, huonoin, pettymys, pettynyt, vihaan, kaatuu, hidas, virhe, ajanhukkaa, rahanhukkaa, huijaus, roska, tylsä, huonompi, mahdotonta, hyödytön, ongelma, paska",
    "vi": "tệ, rất tệ, quá tệ, dở, không tốt, không dùng được, không hoạt động, thất vọng, không nên mua, chậm, quá chậm, lỗi, lag, phí tiền, phí thời gian, lừa đảo, rác, chán, ghét, kém, vô dụng",
}


def texts(size, seed=3):
    """Made-up texts: (label, language, text), `size` of each label and language."""
    source = random.Random(seed)
    made = []
    for label, lists in (("positive", PRAISE), ("negative", COMPLAINT)):
        for language, words in sorted(lists.items()):
            words = [word.strip() for word in words.split(",")]
            made += [(label, language, word) for word in words for _ in range(3)]
            for _ in range(size):
                joint = source.choice([" ", ", ", ". ", "! "])
                made.append((label, language, joint.join(source.sample(words, source.randint(1, 3)))))
    return made

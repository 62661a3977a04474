#!/usr/bin/env python3
"""The vocabulary and the reference ids of test_unigram: SentencePiece's own, on texts in many languages and odd ones.

usage: cases.py MODEL OUT.gguf OUT.json            (needs: pip install sentencepiece protobuf)

MODEL   a Unigram model of SentencePiece: the `sentencepiece.bpe.model` of XLM-R, which multilingual-e5 and bge-m3 have, too

The vocabulary is cut to what the texts can become: every piece that is a part of a normalised text, and the least probable
one, which says what an unknown character costs. So each text has the tokens that the whole vocabulary gives it, under
other numbers. The map of characters keeps the rules whose sequence is in a text, and those for controls. The ids are what
SentencePiece makes of the texts with the cut model.
"""
import io
import json
import struct
import sys
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as model_pb2

NORMAL = 1
U8, U32, I32, F32, BOOL, STRING, ARRAY = 0, 4, 5, 6, 7, 8, 9

# Article 1 of the Universal Declaration of Human Rights, or its first sentence.
LANGUAGES = {
    "af": "Alle menslike wesens word vry, met gelyke waardigheid en regte, gebore. Hulle het rede en gewete en behoort in die gees van broederskap teenoor mekaar op te tree.",
    "ar": "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق. وقد وهبوا عقلاً وضميرًا وعليهم أن يعامل بعضهم بعضًا بروح الإخاء.",
    "bg": "Всички хора се раждат свободни и равни по достойнство и права. Те са надарени с разум и съвест и следва да се отнасят помежду си в дух на братство.",
    "bn": "সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে।",
    "ca": "Tots els éssers humans neixen lliures i iguals en dignitat i en drets. Són dotats de raó i de consciència, i han de comportar-se fraternalment els uns amb els altres.",
    "cs": "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv. Jsou nadáni rozumem a svědomím a mají spolu jednat v duchu bratrství.",
    "da": "Alle mennesker er født frie og lige i værdighed og rettigheder. De er udstyret med fornuft og samvittighed, og de bør handle mod hverandre i en broderskabets ånd.",
    "de": "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen.",
    "el": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",
    "en": "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and should act towards one another in a spirit of brotherhood.",
    "es": "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón y conciencia, deben comportarse fraternalmente los unos con los otros.",
    "et": "Kõik inimesed sünnivad vabadena ja võrdsetena oma väärikuselt ja õigustelt.",
    "fa": "تمام افراد بشر آزاد به دنیا می‌آیند و از لحاظ حیثیت و حقوق با هم برابرند.",
    "fi": "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan. Heille on annettu järki ja omatunto, ja heidän on toimittava toisiaan kohtaan veljeyden hengessä.",
    "fr": "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience et doivent agir les uns envers les autres dans un esprit de fraternité.",
    "ga": "Saolaítear na daoine uile saor agus comhionann ina ndínit agus ina gcearta.",
    "he": "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.",
    "hi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
    "hu": "Minden emberi lény szabadon születik és egyenlő méltósága és joga van.",
    "hy": "Բոլոր մարդիկ ծնվում են ազատ ու հավասար իրենց արժանապատվությամբ ու իրավունքներով։",
    "id": "Semua orang dilahirkan merdeka dan mempunyai martabat dan hak-hak yang sama.",
    "is": "Hver maður er borinn frjáls og jafn öðrum að virðingu og réttindum.",
    "it": "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione e di coscienza e devono agire gli uni verso gli altri in spirito di fratellanza.",
    "ja": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "ka": "ყველა ადამიანი იბადება თავისუფალი და თანასწორი თავისი ღირსებითა და უფლებებით.",
    "ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "lt": "Visi žmonės gimsta laisvi ir lygūs savo orumu ir teisėmis.",
    "lv": "Visi cilvēki piedzimst brīvi un vienlīdzīgi savā pašcieņā un tiesībās.",
    "nl": "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren.",
    "no": "Alle mennesker er født frie og med samme menneskeverd og menneskerettigheter.",
    "pl": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw.",
    "pt": "Todos os seres humanos nascem livres e iguais em dignidade e em direitos.",
    "ro": "Toate ființele umane se nasc libere și egale în demnitate și în drepturi.",
    "ru": "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и должны поступать в отношении друг друга в духе братства.",
    "sk": "Všetci ľudia sa rodia slobodní a sebe rovní, čo sa týka ich dôstojnosti a práv.",
    "sr": "Сва људска бића рађају се слободна и једнака у достојанству и правима.",
    "sv": "Alla människor är födda fria och lika i värde och rättigheter.",
    "sw": "Watu wote wamezaliwa huru, hadhi na haki zao ni sawa.",
    "ta": "மனிதப் பிறிவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்.",
    "th": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ",
    "tr": "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar.",
    "uk": "Всі люди народжуються вільними і рівними у своїй гідності та правах.",
    "ur": "تمام انسان آزاد اور حقوق و عزت کے اعتبار سے برابر پیدا ہوئے ہیں۔",
    "vi": "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi.",
    "zh": "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。",
    "zh-TW": "人人生而自由，在尊嚴和權利上一律平等。",
}
ODD = [
    "", " ", "   ", "\t\r\n", "\0", "a\0b", "\x01", " \x01 a", "a\x01 b\x7f", "a\x85b\u2028c\u2029d",
    "  in   front", "behind  ", "in   between", "\u00a0a\u2003b\u3000c\u00a0", "\ufeffa", "a\u200bb\u200dc", "\u200d",
    "\u0301", "\u0301\u0301\u0301a", "e\u0301", "e\u0301\u0323", "\u1e69 s\u0323\u0307 s\u0307\u0323", "\u212b \u00c5 A\u030a",
    "\ufb01\ufb02 \ufb03", "\u2460\u2461 \u2167 \u00bd \u338f \u337f \ufdfa", "\uff46\uff55\uff4c\uff4c\u3000\uff37\uff29\uff24\uff34\uff28",
    "\uff76\uff9e\uff77\uff9e", "\u30ab\u3099\u30ad", "\u1100\u1161\u11a8 \uac01", "\u00b4 \u00a8x\u00a8", "\u2121 \u2116 \u2122",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f44d\U0001f3fd \U0001f1e9\U0001f1ea", "\u2764\ufe0f",
    "\u2581", "\u2581\u2581a \u2581", "<s>a</s>", "<unk> <pad><mask>", "\ufffd", "\U0010ffff\ue000", "\u202eabc\u202c",
    "xxxxxxxxxx" * 30, "A" * 301, "-" * 200, "ab" * 150, "\u6f22\u5b57" * 100, "\u0e01" * 200, "e\u0301" * 100, " a" * 100,
    "\U00012000\U00012001 \U00012000", "\U00012000" * 50, "don\u2019t \u201cquote\u201d \u2026", "https://example.com/a/b?c=d&e=f#g",
    "int main(void) { return 0; }\n\treturn 1;\n", "C:\\Windows\\System32", "3.1415926 1,000,000 1e-9", "camelCaseAndSNAKE_case",
    "query: how do I list files?", "passage: ls \u2013 list directory contents",
]
TEXTS = list(LANGUAGES.values()) + ODD


def rules(charsmap):
    """{sequence: what is read instead} of a precompiled map of characters, both as bytes."""
    n = struct.unpack_from("<I", charsmap)[0]
    units, texts = struct.unpack_from("<%dI" % (n // 4), charsmap, 4), charsmap[4 + n:]

    def children(at):
        return at ^ (units[at] >> 10) << (8 if units[at] & 1 << 9 else 0)

    out, todo = {}, [(children(0), b"")]
    while todo:
        block, before = todo.pop()
        for byte in range(1, 256):
            at = block ^ byte
            if units[at] & 0x800000ff != byte:
                continue
            sequence = before + bytes([byte])
            if units[at] & 1 << 8:
                value = units[children(at)] & 0x7fffffff
                out[sequence] = texts[value:texts.index(b"\0", value)]
            todo.append((children(at), sequence))
    return out


def charsmap_of(kept):
    """The same compiled again, by SentencePiece's trainer."""
    code = lambda b: " ".join("%X" % ord(c) for c in b.decode())
    out = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as f:
        f.writelines("%s\t%s\n" % (code(k), code(v)) for k, v in sorted(kept.items()))
        f.flush()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter("word %d and %d" % (i, i * i) for i in range(99)), model_writer=out, vocab_size=99,
            hard_vocab_limit=False, normalization_rule_tsv=f.name, minloglevel=2)
    m = model_pb2.ModelProto()
    m.ParseFromString(out.getvalue())
    return m.normalizer_spec.precompiled_charsmap


def cut(m):
    sp = sentencepiece.SentencePieceProcessor(model_proto=m.SerializeToString())
    normal = "\n".join(sp.normalize(t) for t in TEXTS)
    least = min((p for p in m.pieces if p.type == NORMAL), key=lambda p: p.score)
    kept = [p for p in m.pieces if p.type != NORMAL or p is least or p.piece in normal]
    raw = "\n".join(TEXTS).encode()
    kept_rules = {k: v for k, v in rules(m.normalizer_spec.precompiled_charsmap).items() if k in raw or len(k) == 1}
    out = model_pb2.ModelProto()
    out.CopyFrom(m)
    del out.pieces[:]
    out.pieces.extend(kept)
    out.normalizer_spec.precompiled_charsmap = charsmap_of(kept_rules)
    for role in ("unk", "bos", "eos", "pad"):
        old = getattr(m.trainer_spec, role + "_id")
        if old >= 0:
            setattr(out.trainer_spec, role + "_id", [p.piece for p in kept].index(m.pieces[old].piece))
    return out


def gguf(m):
    string = lambda b: struct.pack("<Q", len(b)) + b
    array = lambda kind, items: struct.pack("<IQ", kind, len(items)) + b"".join(items)
    n, t = m.normalizer_spec, m.trainer_spec
    keys = [
        ("model", STRING, string(b"t5")), ("pre", STRING, string(b"default")),
        ("tokens", ARRAY, array(STRING, [string(p.piece.encode()) for p in m.pieces])),
        ("scores", ARRAY, array(F32, [struct.pack("<f", p.score) for p in m.pieces])),
        ("token_type", ARRAY, array(I32, [struct.pack("<i", p.type) for p in m.pieces])),
        ("precompiled_charsmap", ARRAY, array(U8, [bytes([b]) for b in n.precompiled_charsmap])),
        ("add_space_prefix", BOOL, struct.pack("<?", n.add_dummy_prefix)),
        ("remove_extra_whitespaces", BOOL, struct.pack("<?", n.remove_extra_whitespaces)),
        ("add_bos_token", BOOL, b"\1"), ("add_eos_token", BOOL, b"\1")]
    for name, i in (("unknown", t.unk_id), ("bos", t.bos_id), ("eos", t.eos_id), ("padding", t.pad_id)):
        if i >= 0:
            keys.append((name + "_token_id", U32, struct.pack("<I", i)))
    out = struct.pack("<4sIQQ", b"GGUF", 3, 0, len(keys))
    for name, kind, value in keys:
        out += string(("tokenizer.ggml." + name).encode()) + struct.pack("<I", kind) + value
    return out


def main():
    m = model_pb2.ModelProto()
    with open(sys.argv[1], "rb") as f:
        m.ParseFromString(f.read())
    m = cut(m)
    with open(sys.argv[2], "wb") as f:
        f.write(gguf(m))
    sp = sentencepiece.SentencePieceProcessor(model_proto=m.SerializeToString())
    whole = sentencepiece.SentencePieceProcessor(model_file=sys.argv[1])
    with open(sys.argv[3], "w") as f:
        f.write("[\n")
        for i, text in enumerate(TEXTS):
            ids = sp.encode(text)
            assert sp.encode(text, out_type=str) == whole.encode(text, out_type=str), text
            case = {"text": text, "ids": ids}
            if sp.unk_id() not in ids:
                case["decoded"] = sp.decode(ids)
            f.write(json.dumps(case, separators=(",", ":")) + (",\n" if i + 1 < len(TEXTS) else "\n"))
        f.write("]\n")
    print("%d texts, %d pieces, a map of %d bytes" % (len(TEXTS), len(m.pieces), len(m.normalizer_spec.precompiled_charsmap)))


if __name__ == "__main__":
    main()

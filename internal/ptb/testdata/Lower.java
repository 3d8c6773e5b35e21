import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.Random;

/**
 * Makes the reference of lower-casing beside this file with OpenJDK 17, on which coco-caption's tokenizer runs: texts around a sigma, and
 * what String.toLowerCase makes of each, tab-separated.
 *
 *     java internal/ptb/testdata/Lower.java 4000 1 | gzip -n9 > internal/ptb/testdata/lower.tsv.gz
 *
 * More texts, which no file here keeps:
 *
 *     java internal/ptb/testdata/Lower.java 400000 2 | gzip > /tmp/lower.tsv.gz
 *     CAPTIONLAB_PTB_LOWER=/tmp/lower.tsv.gz go test -run Lower ./internal/ptb
 */
public class Lower {
    static final int[] CHARACTERS = {
        0x3a3, 0x3a3, 0x3a3, 0x3a6, 0x3c3, 'a', 'B', '1', '2', 0x130, 0x131, 0x627, 0x1e4d, // letters and digits
        '.', '\'', '"', ',', '-', '_', '$', '#', '%', '&', ' ', 0xad, 0x2019, 0x301, 0xfe0f, 0x600, // signs, accents and format
        0x65e5, 0x3007, 0x3042, 0x30ab, 0x30fc, 0x36c5, 0x4a46, // ideographs and kana, of the first set and of extension A
        0x1d4b3, 0x10400, 0x10e61, 0x1d7d8, 0x20001, 0x1f600, 0x10a01, // beyond 16 bits
    };

    public static void main(String[] args) throws IOException {
        Random random = new Random(Long.parseLong(args[1]));
        PrintStream out = new PrintStream(new BufferedOutputStream(System.out), false, StandardCharsets.UTF_8);
        for (int left = Integer.parseInt(args[0]); left > 0;) {
            StringBuilder text = new StringBuilder();
            for (int n = 2 + random.nextInt(8); n > 0; n--) text.appendCodePoint(CHARACTERS[random.nextInt(CHARACTERS.length)]);
            if (text.indexOf("\u03a3") < 0) continue;
            out.print(text + "\t" + text.toString().toLowerCase() + "\n");
            left--;
        }
        out.flush();
    }
}

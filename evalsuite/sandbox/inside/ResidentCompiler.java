import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.StringWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;

/**
 * One compiler for many programs: sources come in on standard input, classes go out on standard output.
 * Only the compiler is shared; it runs no code of the programs (annotation processing is off).
 */
public final class ResidentCompiler {
    private static final class Source extends SimpleJavaFileObject {
        private final String text;

        Source(String name, String text) {
            super(URI.create("string:///" + name), Kind.SOURCE);
            this.text = text;
        }

        @Override
        public String getName() {
            return "Problem.java"; // as a compiler given a file by this name would say it
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }

    private static final class Result extends SimpleJavaFileObject {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Result(String name) {
            super(URI.create("mem:///" + name.replace('.', '/') + ".class"), Kind.CLASS);
        }

        @Override
        public OutputStream openOutputStream() {
            return bytes;
        }
    }

    private static final class Memory extends ForwardingJavaFileManager<JavaFileManager> {
        private final Map<String, Result> results = new LinkedHashMap<>();

        Memory(JavaFileManager below) {
            super(below);
        }

        @Override
        public JavaFileObject getJavaFileForOutput(
                Location location, String name, JavaFileObject.Kind kind, FileObject sibling) {
            Result result = new Result(name);
            results.put(name, result);
            return result;
        }

        @Override
        public void close() {
            // The manager below is shared by all programs.
        }
    }

    /**
     * Options like --release choose another library, which only a file manager of the compiler's own can
     * have: then the classes come by way of a folder.
     */
    private static boolean compileOtherwise(
            JavaCompiler compiler, List<String> options, Source source, StringWriter said, Map<String, byte[]> classes)
            throws IOException {
        Path folder = Files.createTempDirectory("classes");
        try (StandardJavaFileManager own = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            own.setLocation(StandardLocation.CLASS_OUTPUT, List.of(folder.toFile()));
            boolean done = compiler.getTask(said, own, null, options, null, List.of(source)).call();
            try (Stream<Path> found = Files.walk(folder)) {
                for (Path file : (Iterable<Path>) found.filter(Files::isRegularFile)::iterator) {
                    String name = folder.relativize(file).toString();
                    classes.put(name.substring(0, name.length() - ".class".length()), Files.readAllBytes(file));
                }
            }
            return done;
        } finally {
            try (Stream<Path> found = Files.walk(folder)) {
                found.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
            }
        }
    }

    private static String read(DataInputStream in) throws IOException {
        return new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
    }

    public static void main(String[] arguments) throws IOException {
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out));
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager standard =
                compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8);
        while (true) {
            List<String> options = new ArrayList<>(Arrays.asList(arguments));
            int more;
            try {
                more = in.readInt();
            } catch (IOException end) {
                return;
            }
            for (int at = 0; at < more; at++) {
                options.add(read(in));
            }
            Source source = new Source("Problem.java", read(in));
            StringWriter said = new StringWriter();
            Map<String, byte[]> classes = new LinkedHashMap<>();
            boolean done;
            try {
                if (more > 0) {
                    done = compileOtherwise(compiler, options, source, said, classes);
                } else {
                    Memory memory = new Memory(standard);
                    done = compiler.getTask(said, memory, null, options, null, List.of(source)).call();
                    memory.results.forEach((name, result) -> classes.put(name, result.bytes.toByteArray()));
                }
            } catch (Throwable broken) {
                out.writeInt(-1);
                out.flush();
                continue;
            }
            byte[] words = said.toString().getBytes(StandardCharsets.UTF_8);
            out.writeInt(done ? 1 : 0);
            out.writeInt(words.length);
            out.write(words);
            out.writeInt(done ? classes.size() : 0);
            if (done) {
                for (Map.Entry<String, byte[]> entry : classes.entrySet()) {
                    byte[] name = entry.getKey().getBytes(StandardCharsets.UTF_8);
                    out.writeInt(name.length);
                    out.write(name);
                    out.writeInt(entry.getValue().length);
                    out.write(entry.getValue());
                }
            }
            out.flush();
        }
    }
}

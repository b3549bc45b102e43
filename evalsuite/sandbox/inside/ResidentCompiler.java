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
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
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

    public static void main(String[] arguments) throws IOException {
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out));
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager standard =
                compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8);
        List<String> options = Arrays.asList(arguments);
        while (true) {
            int size;
            try {
                size = in.readInt();
            } catch (IOException end) {
                return;
            }
            String text = new String(in.readNBytes(size), StandardCharsets.UTF_8);
            StringWriter said = new StringWriter();
            Memory memory = new Memory(standard);
            boolean done;
            try {
                done = compiler.getTask(
                        said, memory, null, options, null, List.of(new Source("Problem.java", text))).call();
            } catch (Throwable broken) {
                out.writeInt(-1);
                out.flush();
                continue;
            }
            byte[] words = said.toString().getBytes(StandardCharsets.UTF_8);
            out.writeInt(done ? 1 : 0);
            out.writeInt(words.length);
            out.write(words);
            out.writeInt(done ? memory.results.size() : 0);
            if (done) {
                for (Map.Entry<String, Result> entry : memory.results.entrySet()) {
                    byte[] name = entry.getKey().getBytes(StandardCharsets.UTF_8);
                    byte[] bytes = entry.getValue().bytes.toByteArray();
                    out.writeInt(name.length);
                    out.write(name);
                    out.writeInt(bytes.length);
                    out.write(bytes);
                }
            }
            out.flush();
        }
    }
}

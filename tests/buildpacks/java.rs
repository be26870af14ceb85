//! Java: Maven and Gradle, with and without Spring Boot.

use crate::support::{plan, whole};
use insta::assert_snapshot;

const SPRING: &str = "<project>
  <parent>
    <groupId>org.springframework.boot</groupId>
    <artifactId>spring-boot-starter-parent</artifactId>
    <version>3.5.3</version>
  </parent>
  <properties>
    <java.version>21</java.version>
  </properties>
</project>
";

#[test]
fn spring_boot_with_maven() {
    assert_snapshot!(whole(&plan(&[("pom.xml", SPRING), ("src/main/java/Shop.java", "")])));
}

#[test]
fn spring_boot_with_mavens_wrapper() {
    let wrapper = [("mvnw", ""), (".mvn/wrapper/maven-wrapper.properties", "")];
    assert_snapshot!(whole(&plan(&[("pom.xml", SPRING), wrapper[0], wrapper[1]])));
}

#[test]
fn spring_boot_with_gradles_wrapper() {
    let build = "plugins {\n  id 'java'\n  id 'org.springframework.boot' version '3.5.3'\n}\njava { toolchain { languageVersion = JavaLanguageVersion.of(17) } }\n";
    assert_snapshot!(whole(&plan(&[
        ("build.gradle", build),
        ("gradlew", ""),
        ("gradle/wrapper/gradle-wrapper.jar", "")
    ])));
}

#[test]
fn an_application_of_gradle() {
    let build = "plugins {\n    application\n    kotlin(\"jvm\") version \"2.2.0\"\n}\n";
    assert_snapshot!(whole(&plan(&[("build.gradle.kts", build)])));
}

#[test]
fn quarkus() {
    let manifest =
        "<artifactId>quarkus-maven-plugin</artifactId><maven.compiler.release>21</maven.compiler.release>";
    assert_snapshot!(whole(&plan(&[("pom.xml", manifest)])));
}
